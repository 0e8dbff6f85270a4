package negotiate

import (
	"fmt"
	"slices"
	"strings"

	"weir/internal/codec"
	"weir/internal/wish"
	"weir/stream"
)

// Egress decides how a player's offer is answered from a stream that has the given tracks, preferred ones first. It is
// a pure function: it looks nothing up, starts nothing and keeps nothing. The error is always a *wish.Refusal: 400 for an
// offer that is broken, 422 for one that is whole and cannot be served.
//
// What it holds to: the stream's order of codecs decides, not the offer's. At most one audio and one video section are
// served, the first that can be. A section of a kind that the stream does not have is refused alone, as long as another
// flows (WHEP 4.3.4). A kind that the stream has, but in no codec that the player takes, refuses the whole offer: a player
// that asked for a picture should hear why there is none.
func Egress(offer string, tracks []stream.Spec) (*Plan, error) {
	d, err := parseOffer(offer)
	if err != nil {
		return nil, err
	}
	n := &negotiation{offer: d, tracks: tracks, plan: &Plan{}, room: maxHeldText, extensions: map[uint8]string{}}
	if err := n.run(n.readSections, n.checkMedia, n.readBundle, n.matchSections, n.readTransport); err != nil {
		return nil, err
	}
	if strings.HasPrefix(d.origin, "mozilla") {
		n.plan.mozilla = true
		n.plan.lenient(LenientMozilla)
	}
	return n.plan, nil
}

// run takes the steps until one refuses the offer.
func (n *negotiation) run(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// negotiation is the state of one Egress or Ingest; its steps run in the order written there.
type negotiation struct {
	offer  *description
	tracks []stream.Spec
	plan   *Plan // Sections[i] belongs to offer.media[i]
	room   int   // bytes of the answer that payload types may still take

	extensions map[uint8]string // header extensions so far: they mean the same in all sections of a bundle (RFC 9143 11)
}

// readSections copies what the offer says of each section and checks the mids.
func (n *negotiation) readSections() error {
	mids := make(map[string]bool)
	for _, m := range n.offer.media {
		section := Section{
			Kind: m.kind, Proto: m.proto, Port: m.port, Formats: m.formats,
			BundleOnly:  m.attributes.has("bundle-only"),
			Direction:   direction(m.attributes, n.offer.attributes),
			ReducedSize: m.attributes.has("rtcp-rsize"),
			Mixed:       m.attributes.has("extmap-allow-mixed") || n.offer.attributes.has("extmap-allow-mixed"),
		}
		if list := payloads(m); len(list) > 0 && (m.kind == "audio" || m.kind == "video") {
			section.first = list[0]
		}
		mid, found := m.attributes.first("mid")
		switch {
		case !found:
		case !token(mid):
			return refuse(400, "mid_malformed", "An a=mid value is no token of at most 64 characters.", "Send the SDP offer as createOffer makes it.")
		case mids[mid]:
			return refuse(400, "mid_twice", "Two media sections have the same a=mid.", "Give each media section its own mid.")
		}
		mids[mid] = found
		section.Mid = mid
		n.plan.Sections = append(n.plan.Sections, section)
	}
	return nil
}

// direction returns the direction of a section (RFC 8866 6.7): its own, else the session's, else sendrecv.
func direction(levels ...attributes) string {
	for _, level := range levels {
		for _, attribute := range level {
			switch attribute.key {
			case "sendrecv", "sendonly", "recvonly", "inactive":
				return attribute.key
			default:
			}
		}
	}
	return "sendrecv"
}

// checkMedia wants at least one audio or video section, and each of them in a direction and over a protocol that media
// can come back on.
func (n *negotiation) checkMedia() error {
	found := false
	for i := range n.plan.Sections {
		section := &n.plan.Sections[i]
		if !section.live() {
			section.Reason = "refused by the offer itself"
			continue
		}
		if section.Kind != "audio" && section.Kind != "video" {
			section.Reason = "only audio and video are served"
			continue
		}
		found = true
		if section.Direction == "sendonly" || section.Direction == "inactive" {
			return refuse(422, "direction", fmt.Sprintf("The %s section is %s, so nothing could be sent to the player.", section.Kind, section.Direction),
				"Offer recvonly: addTransceiver(kind, {direction: 'recvonly'}).")
		}
		if err := checkProtocol(section); err != nil {
			return err
		}
	}
	if !found {
		return refuse(422, "no_media", "The offer has no audio or video section that wants media.",
			"Offer at least one recvonly audio or video section.")
	}
	return nil
}

// checkProtocol refuses what is not RTP over DTLS-SRTP.
func checkProtocol(section *Section) error {
	if secureRTP(section.Proto) {
		return nil
	}
	return &wish.Refusal{
		Status: 422, Code: "protocol", Detail: fmt.Sprintf("The %s section's protocol cannot be served.", section.Kind),
		Remedy: "Use WebRTC's UDP/TLS/RTP/SAVPF.", Offered: []string{section.Proto}, Has: []string{protocol},
	}
}

// protocol is the one that the answer means, whatever older name of it was offered.
const protocol = "UDP/TLS/RTP/SAVPF"

// secureRTP lists the protocol names that mean RTP over DTLS-SRTP in an offer (RFC 9429 5.1.2).
func secureRTP(proto string) bool {
	switch proto {
	case protocol, "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP":
		return true
	default:
		return false
	}
}

// readBundle reads the BUNDLE group (RFC 9143 7.3): there is one transport, so sections outside of it are refused. An offer
// of a single section needs none; a group may name mids that are not there, as FFmpeg's does.
func (n *negotiation) readBundle() error {
	var group []string
	for _, value := range n.offer.attributes.all("group") {
		if fields := strings.Fields(value); len(fields) > 0 && fields[0] == "BUNDLE" {
			group = fields[1:]
			break
		}
	}
	live := 0
	for i := range n.plan.Sections {
		if n.plan.Sections[i].live() {
			live++
		}
	}
	if live > 1 && len(group) == 0 {
		return refuse(422, "bundle_missing", "The offer has several media sections without a=group:BUNDLE; they would need a transport each.",
			"Offer all sections in one BUNDLE group: bundlePolicy 'max-bundle'.")
	}
	for i := range n.plan.Sections {
		section := &n.plan.Sections[i]
		switch {
		case !section.live():
		case section.Mid == "" && live > 1:
			return refuse(400, "mid_missing", "A media section has no a=mid, so the BUNDLE group cannot name it.", "Give each media section a mid.")
		case section.Mid == "":
			n.plan.lenient(LenientMid)
			n.plan.lenient(LenientBundle)
		case slices.Contains(group, section.Mid):
		case live == 1:
			n.plan.lenient(LenientBundle)
		case section.Reason == "":
			section.Reason = "not in the BUNDLE group"
		}
	}
	n.plan.bundle = group // matchSections leaves the accepted ones
	return nil
}

// matchSections finds a track and a payload type for the first section of each kind that allows it.
func (n *negotiation) matchSections() error {
	var missed []codec.Kind // asked for, there, and in no common codec
	for _, kind := range []codec.Kind{codec.Audio, codec.Video} {
		served, asked := false, false
		for i := range n.plan.Sections {
			section := &n.plan.Sections[i]
			switch {
			case section.Reason != "" || section.Kind != kind.String():
			case !n.has(kind):
				section.Reason = "the stream has no " + section.Kind
			case served:
				section.Reason = "one section of a kind is served"
			default:
				asked = true
				served = n.matchSection(section, n.offer.media[i])
			}
		}
		if asked && !served {
			missed = append(missed, kind)
		}
	}
	if len(missed) > 0 {
		return n.noCommonCodec(missed)
	}
	accepted := n.plan.Accepted()
	if len(accepted) == 0 {
		return n.nothingFlows()
	}
	n.tag(accepted)
	return nil
}

// has says whether the stream has a track of that kind.
func (n *negotiation) has(kind codec.Kind) bool {
	return slices.ContainsFunc(n.tracks, func(spec stream.Spec) bool { return spec.Format.Kind() == kind })
}

// tag chooses the section whose transport counts, and leaves in the plan's BUNDLE group what is not refused. The choice is
// the first of the group that has a port and is accepted (RFC 9143 7.3.1), but the group's very first also when it is an
// audio or video section that the stream has nothing for: that one becomes inactive.
func (n *negotiation) tag(accepted []Section) {
	p := n.plan
	group := p.bundle
	p.bundle, p.tagged = nil, -1
	for i, mid := range group {
		at := slices.IndexFunc(p.Sections, func(s Section) bool { return s.Mid == mid && s.live() })
		if at < 0 || slices.Contains(p.bundle, mid) {
			continue
		}
		s := &p.Sections[at]
		s.Inactive = i == 0 && !s.Accepted && s.Port != 0 && s.first.format.Name != ""
		if !s.Accepted && !s.Inactive {
			continue
		}
		p.bundle = append(p.bundle, mid)
		if p.tagged < 0 && s.Port != 0 {
			p.tagged = at
		}
	}
	if p.tagged < 0 { // one section without a group, or all of them bundle-only at port 0
		p.tagged = slices.IndexFunc(p.Sections, func(s Section) bool { return s.Accepted && s.Mid == accepted[0].Mid })
	}
}

// noCommonCodec is the refusal for kinds of media that both sides have, but in no common codec.
func (n *negotiation) noCommonCodec(kinds []codec.Kind) error {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.String()
	}
	refusal := refuse(422, "no_common_codec",
		fmt.Sprintf("The player offered no %s codec that the stream has.", strings.Join(names, " and no ")),
		"Use a player that takes one of the stream's codecs, or publish the stream in one of the player's.")
	refusal.Offered, refusal.Has = n.offered(kinds...), n.formats(kinds...)
	return refusal
}

// nothingFlows is the refusal for an offer whose kinds of media the stream does not have.
func (n *negotiation) nothingFlows() error {
	if len(n.tracks) == 0 {
		return refuse(422, "no_tracks", "The stream has no track yet.", "Try again when its publisher sends.")
	}
	refusal := refuse(422, "nothing_to_send", "The stream has no media of a kind that the offer can take",
		"Offer audio and video; what the stream does not have is refused alone.")
	for i := range n.plan.Sections {
		if s := &n.plan.Sections[i]; s.live() && s.Reason != "" && (s.Kind == "audio" || s.Kind == "video") {
			refusal.Detail += fmt.Sprintf("; %s: %s", s.Kind, s.Reason)
		}
	}
	refusal.Detail += "."
	refusal.Offered, refusal.Has = n.offered(codec.Audio, codec.Video), n.formats(codec.Audio, codec.Video)
	return refusal
}

// maxListed bounds the lists of a refusal, and maxListedLength each of their entries.
const (
	maxListed       = 24
	maxListedLength = 80
)

// offered lists what the offer has of these kinds, each once, without formats that carry no media of their own.
func (n *negotiation) offered(kinds ...codec.Kind) []string {
	var list []string
	for i, m := range n.offer.media {
		if !n.plan.Sections[i].live() || !slices.ContainsFunc(kinds, func(k codec.Kind) bool { return k.String() == m.kind }) {
			continue
		}
		for _, p := range payloads(m) {
			switch strings.ToLower(p.format.Name) {
			case "rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn":
				continue
			default:
			}
			text := p.format.String()
			if len(list) < maxListed && len(text) <= maxListedLength && !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	return list
}

// formats lists what the stream has of these kinds, each once.
func (n *negotiation) formats(kinds ...codec.Kind) []string {
	var list []string
	for _, spec := range n.tracks {
		if text := spec.Format.String(); slices.Contains(kinds, spec.Format.Kind()) && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
