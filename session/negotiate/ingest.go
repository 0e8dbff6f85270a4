package negotiate

import (
	"fmt"
	"slices"
	"strings"

	"weir/internal/codec"
	"weir/internal/wish"
	"weir/stream"
)

// Ingest decides how a publisher's offer is answered. It is a pure function: it looks nothing up, starts nothing
// and keeps nothing. The error is always a *wish.Refusal: 400 for an offer that is broken, 422 for one that is whole and
// cannot be taken.
//
// What it holds to: an offer is taken whole or not at all (RFC 9725 4.4.3), all layers of a simulcast included; at most one
// audio and one video section; in each every payload type that can be relayed, in the offer's order.
func Ingest(offer string) (*Plan, error) {
	d, err := parseOffer(offer)
	if err != nil {
		return nil, err
	}
	n := &negotiation{offer: d, plan: &Plan{Ingest: true}, room: maxPayloadText, extensions: map[uint8]string{}}
	if err := n.run(n.readSections, n.checkPublished, n.readBundle, n.takeSections, n.readTransport); err != nil {
		return nil, err
	}
	n.plan.mozilla = strings.HasPrefix(d.origin, "mozilla")
	return n.plan, nil
}

// checkPublished wants at least one audio or video section, at most one of each, and nothing else.
func (n *negotiation) checkPublished() error {
	seen := map[string]bool{}
	for i := range n.plan.Sections {
		section := &n.plan.Sections[i]
		switch {
		case !section.live():
			section.Reason = "refused by the offer itself"
			continue
		case section.Kind != "audio" && section.Kind != "video":
			return &wish.Refusal{
				Status: 422, Code: "section_not_served", Detail: fmt.Sprintf("The offer has a section of %s, and an offer is taken whole or not at all.", section.Kind),
				Remedy: "Offer audio and video alone, without a data channel.", Offered: []string{section.Kind}, Has: []string{"audio", "video"},
			}
		case seen[section.Kind]:
			return refuse(422, "too_many_tracks", fmt.Sprintf("The offer has several %s sections, and a stream has one.", section.Kind),
				"Publish one audio and one video track; several qualities of one picture go as simulcast in one section.")
		case section.Direction != "sendonly" && section.Direction != "sendrecv":
			return refuse(422, "direction", fmt.Sprintf("The %s section is %s, so nothing would come from the publisher.", section.Kind, section.Direction),
				"Offer sendonly: addTransceiver(track, {direction: 'sendonly'}).")
		}
		seen[section.Kind] = true
		if err := checkProtocol(section); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return refuse(422, "no_media", "The offer has no audio or video section that sends.", "Offer at least one sendonly audio or video section.")
	}
	return nil
}

// takeSections finds what can be relayed of each section, and refuses the offer if that is nothing.
func (n *negotiation) takeSections() error {
	for i := range n.plan.Sections {
		section := &n.plan.Sections[i]
		if !section.live() {
			continue
		}
		if section.Reason != "" { // not in the BUNDLE group
			return refuse(422, "bundle_missing", fmt.Sprintf("The %s section is not in the offer's BUNDLE group; it would need a transport of its own.", section.Kind),
				"Offer all sections in one BUNDLE group: bundlePolicy 'max-bundle'.")
		}
		m := n.offer.media[i]
		section.Extensions = n.readExtensions(m, n.extensions, append(passing(), Mid, RID, RepairedRID, TransportCC))
		n.takePayloads(section, m)
		if len(section.Payloads) == 0 {
			return n.noPublishedCodec(section)
		}
		first := section.Payloads[0]
		section.Accepted = true
		section.PayloadType, section.RTXPayloadType, section.Format, section.Feedback = first.Number, first.RTX, first.Format, first.Feedback
		section.Sources = readSources(m)
		section.RIDs = readLayers(m)
		if section.Kind == "video" && !section.KeyFrames() {
			n.plan.lenient(LenientFeedback)
		}
	}
	n.tag(n.plan.Accepted())
	return nil
}

// KeyFrames says whether a key frame can be asked for.
func (s *Section) KeyFrames() bool {
	return slices.Contains(s.Feedback, "nack pli") || slices.Contains(s.Feedback, "ccm fir")
}

// noPublishedCodec is the refusal for a section of which nothing can be relayed.
func (n *negotiation) noPublishedCodec(section *Section) error {
	kind := codec.Video
	if section.Kind == codec.Audio.String() {
		kind = codec.Audio
	}
	refusal := refuse(422, "no_common_codec", fmt.Sprintf("The publisher offered no %s codec that can be relayed.", section.Kind),
		"Publish H.264, H.265, VP8, VP9 or AV1 for video, Opus, G.711 or G.722 for audio.")
	refusal.Offered, refusal.Has = n.offered(kind), relayed(kind)
	return refusal
}

// relayed lists the formats that are relayed.
func relayed(kind codec.Kind) []string {
	if kind == codec.Audio {
		return []string{"opus/48000/2", "PCMU/8000", "PCMA/8000", "G722/8000"}
	}
	return []string{codec.H264, codec.H265, codec.VP8, codec.VP9, codec.AV1}
}

// relays says whether a format can be relayed.
func relays(f codec.Format) bool {
	switch codec.Canonical(f.Name) {
	case codec.Opus:
		return f.ClockRate == 48000 && f.Channels <= 2
	case codec.PCMU, codec.PCMA, codec.G722:
		return f.ClockRate == 8000 && f.Channels <= 1
	default:
		return f.Kind() == codec.Video && f.ClockRate == 90000
	}
}

// takePayloads takes the payload types that can be relayed. Of VP9, AV1 and H.265 only those of the profile that stands
// first: a track has one, and only H.264 says in its own bytes which.
func (n *negotiation) takePayloads(section *Section, m media) {
	list := payloads(m)
	profiles := map[string]codec.Format{}
	for _, p := range list {
		name := codec.Canonical(p.format.Name)
		if p.format.Kind().String() != section.Kind || !relays(p.format) {
			continue
		}
		if first, seen := profiles[name]; seen && name != codec.H264 && !p.format.Accepts(first) {
			continue
		} else if !seen {
			profiles[name] = p.format
		}
		taken := Payload{
			Number: p.number, Format: p.format, Offered: p.format.Fmtp,
			Feedback: publisherFeedback(section, p.feedback),
		}
		taken.Format.Fmtp = publisherFmtp(p.format)
		if slices.Contains(taken.Feedback, "nack") && section.Kind == codec.Video.String() {
			taken.RTX = repairOf(p.number, p.format.ClockRate, list)
		}
		if n.room -= taken.length(); n.room < 0 {
			return
		}
		section.Payloads = append(section.Payloads, taken)
	}
}

// maxPayloadText bounds what the payload types of all sections may take of an answer to a publisher, in bytes, and
// maxHeldText of one to a player. A browser's take 4,000.
const (
	maxPayloadText = 5500
	maxHeldText    = 4500
)

// length is about how many bytes of the answer the payload type takes.
func (p *Payload) length() int {
	const rtpmap, fmtp, feedback, rtx = 40, 20, 30, 60
	n := rtpmap + len(p.Format.Name)
	if p.Format.Fmtp != "" {
		n += fmtp + len(p.Format.Fmtp)
	}
	if p.RTX != 0 {
		n += rtx
	}
	return n + feedback*len(p.Feedback)
}

// publisherFeedback returns the feedback that is answered to a publisher: all that was offered and this end sends. Packets
// are numbered transport-wide only where the header extension is there; REMB stands in where that is not.
func publisherFeedback(section *Section, offered []string) []string {
	wide := false
	for _, uri := range section.Extensions {
		wide = wide || uri == TransportCC
	}
	wide = wide && slices.Contains(offered, "transport-cc")
	return slices.DeleteFunc(knownFeedback(), func(value string) bool {
		switch {
		case !slices.Contains(offered, value):
			return true
		case value == "transport-cc":
			return !wide
		case value == "goog-remb":
			return wide
		default:
			return value != "nack" && section.Kind != codec.Video.String()
		}
	})
}

// publisherFmtp returns the format parameters that the answer states for a payload type of a publisher: its own, as far as
// they bind the receiver, too (RFC 6184 8.2.2, RFC 7587 6.1).
func publisherFmtp(offered codec.Format) string {
	params := codec.Params(offered.Fmtp)
	switch codec.Canonical(offered.Name) {
	case codec.H264:
		return echo(params, "level-asymmetry-allowed", "packetization-mode", "profile-level-id")
	case codec.Opus:
		if params["sprop-stereo"] == "1" {
			params["stereo"] = "1" // both channels are wanted: Chromium sends them only then
		}
		return echo(params, "minptime", "stereo", "sprop-stereo", "useinbandfec", "usedtx", "maxaveragebitrate")
	case codec.VP9, codec.AV1, codec.H265:
		return echo(params, "profile-id", "profile", "level-idx", "tier", "tier-flag", "level-id", "tx-mode")
	default:
		return ""
	}
}

// Specs says what tracks a publication of the plan declares: one for each codec that its publisher may send by the answer,
// its preferred one of each kind first.
func (p *Plan) Specs() []stream.Spec {
	var specs []stream.Spec
	for i := range p.Sections {
		section := &p.Sections[i]
		if !section.Accepted {
			continue
		}
		for _, payload := range section.Payloads {
			format := payload.TrackFormat()
			if !slices.ContainsFunc(specs, func(s stream.Spec) bool { return s.Format.Name == format.Name }) {
				specs = append(specs, stream.Spec{Format: format, Extensions: section.Extensions})
			}
		}
	}
	return specs
}

// TrackFormat is the format of the track that carries the payload type: with a canonical name, and what an offer leaves
// open said as it is meant. H.264 without packetization-mode is mode 1 in practice.
func (p *Payload) TrackFormat() codec.Format {
	format := p.Format
	format.Name, format.Fmtp = codec.Canonical(format.Name), p.Offered
	switch format.Name {
	case codec.Opus:
		format.Channels = 2 // RFC 7587 4.1, whatever the offer says
	case codec.H264:
		params := codec.Params(p.Offered)
		for _, preset := range [][2]string{{"packetization-mode", "1"}, {"profile-level-id", "42e01f"}, {"level-asymmetry-allowed", "1"}} {
			if params[preset[0]] != "" {
				continue
			}
			if format.Fmtp != "" {
				format.Fmtp += ";"
			}
			format.Fmtp += preset[0] + "=" + preset[1]
		}
	default:
	}
	return format
}
