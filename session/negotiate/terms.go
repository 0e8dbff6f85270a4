package negotiate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/internal/codec"
	"weir/internal/wish"
	"weir/stream"
)

// ErrAnswer is what Terms.Read fails with where the answer is of no use. Its
// text names a code and repeats nothing of the answer.
var ErrAnswer = errors.New("the answer cannot be used")

func answerError(code string) error { return fmt.Errorf("%w: %s", ErrAnswer, code) }

// answerRefused is for an answer that would have been refused as an offer.
func answerRefused(err error) error {
	if r, ok := errors.AsType[*wish.Refusal](err); ok {
		return answerError(r.Code)
	}
	return answerError("internal")
}

// Terms are what an offer of ours says: how it is written, and what an answer to
// it may be.
type Terms struct {
	receive  bool // this end receives; else it sends
	sections []termsSection
	specs    []stream.Spec // that are sent
}

type termsSection struct {
	kind       codec.Kind
	mid        string
	payloads   []Payload
	extensions map[uint8]string
}

// The ids of header extensions in offers of our own: one for each, whatever the
// section.
const (
	idMid = iota + 1
	idTransportCC
	idAbsCaptureTime
	idVideoOrientation
	idDependencyDescriptor
)

// firstPayload is the first dynamic payload type that is offered (RFC 3551 6).
const firstPayload = 96

// pullFormats are what is taken from another server, the most liked first.
func pullFormats() []codec.Format {
	const h264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="
	video := func(name, fmtp string) codec.Format { return codec.Format{Name: name, ClockRate: 90000, Fmtp: fmtp} }
	return []codec.Format{
		video(codec.H264, h264+"42e01f"), video(codec.H264, h264+"64001f"), video(codec.H264, h264+"4d001f"),
		video(codec.VP8, ""), video(codec.VP9, "profile-id=0"), video(codec.AV1, "profile=0"), video(codec.H265, ""),
		{Name: codec.Opus, ClockRate: 48000, Channels: 2, Fmtp: "minptime=10;stereo=1;useinbandfec=1"},
		{Name: codec.G722, ClockRate: 8000},
		{Name: codec.PCMU, ClockRate: 8000},
		{Name: codec.PCMA, ClockRate: 8000},
	}
}

// PullSpecs are the tracks of a publication that is fed by Manager.Pull: codecs
// of which one of a kind is sent at a time.
func PullSpecs() []stream.Spec {
	var specs []stream.Spec
	for _, f := range pullFormats() {
		if !slices.ContainsFunc(specs, func(s stream.Spec) bool { return s.Format.Name == f.Name }) {
			specs = append(specs, stream.Spec{Format: f, Extensions: extensionsOf(f.Kind(), true)})
		}
	}
	return specs
}

func extensionsOf(kind codec.Kind, receive bool) map[uint8]string {
	ids := map[uint8]string{idAbsCaptureTime: stream.AbsCaptureTime}
	if kind == codec.Video {
		ids[idVideoOrientation], ids[idDependencyDescriptor] = stream.VideoOrientation, stream.DependencyDescriptor
	}
	if receive {
		ids[idMid], ids[idTransportCC] = Mid, TransportCC
	}
	return ids
}

// Pull makes the terms of playing a stream from another server (WHEP).
func Pull() Terms {
	t := Terms{receive: true}
	t.add(pullFormats())
	return t
}

// Push makes the terms of publishing a stream with these tracks on another server
// (WHIP): what the stream has is offered, H.264 as its own parameter sets say.
func Push(specs []stream.Spec) Terms {
	t := Terms{specs: specs}
	formats := make([]codec.Format, len(specs))
	for i, spec := range specs {
		formats[i] = spec.Format
	}
	t.add(formats)
	return t
}

// StandIn is the plan that pion is told of before the answer: where this end sends, a section of each kind, in a codec
// that stands in for those that the other server chooses from.
func (t *Terms) StandIn() *Plan {
	p := &Plan{Ingest: t.receive, Setup: "actpass"}
	if t.receive {
		return p
	}
	for i := range t.sections {
		kind := t.sections[i].kind
		s := Section{Kind: kind.String(), Accepted: true, Feedback: feedbackOf(kind.String()), PayloadType: 111}
		s.Format = codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2}
		if kind == codec.Video {
			s.Format = codec.Format{Name: codec.VP8, ClockRate: 90000}
			s.PayloadType, s.RTXPayloadType = 96, 97
		}
		p.Sections = append(p.Sections, s)
	}
	return p
}

// add makes a section for each kind of media, audio first, and numbers the
// payload types.
func (t *Terms) add(formats []codec.Format) {
	next := uint8(firstPayload)
	for _, kind := range []codec.Kind{codec.Audio, codec.Video} {
		section := termsSection{kind: kind, mid: strconv.Itoa(len(t.sections)), extensions: extensionsOf(kind, t.receive)}
		for _, f := range formats {
			if f.Kind() != kind {
				continue
			}
			p := Payload{Format: f, Feedback: feedbackOf(kind.String())}
			if t.receive {
				p.Feedback = append(p.Feedback, "transport-cc")
			}
			if number, ok := staticNumber(f); ok {
				p.Number = number
			} else {
				p.Number, next = next, next+1
			}
			if kind == codec.Video {
				p.RTX, next = next, next+1
			}
			section.payloads = append(section.payloads, p)
		}
		if len(section.payloads) > 0 {
			t.sections = append(t.sections, section)
		}
	}
}

// staticNumber is the payload type that a format has always (RFC 3551 6).
func staticNumber(f codec.Format) (uint8, bool) {
	for _, n := range []uint8{0, 8, 9} {
		if staticFormat(uint64(n)).Name == f.Name {
			return n, true
		}
	}
	return 0, false
}

// Offer writes the offer. l.Streams holds an entry for each section that sends.
func (t *Terms) Offer(l Local) string {
	w := &writer{}
	w.line("v=0")
	w.line("o=- " + strconv.FormatUint(l.SessionID&(1<<62-1), 10) + " 1 IN IP4 0.0.0.0")
	w.line("s=-")
	w.line("t=0 0")
	mids := make([]string, len(t.sections))
	for i := range t.sections {
		mids[i] = t.sections[i].mid
	}
	w.line("a=group:BUNDLE " + strings.Join(mids, " "))
	w.line("a=ice-options:" + ICEOptions)
	w.line("a=extmap-allow-mixed")
	direction := "sendonly"
	if t.receive {
		direction = "recvonly"
	}
	for i := range t.sections {
		s := &t.sections[i]
		section := Section{Kind: s.kind.String(), Payloads: s.payloads, Extensions: s.extensions, ReducedSize: true}
		w.line("m=" + section.Kind + " 9 " + protocol + section.numbers())
		w.line("c=IN IP4 0.0.0.0")
		w.line("a=" + direction)
		w.line("a=mid:" + s.mid)
		w.line("a=ice-ufrag:" + clean(l.Ufrag))
		w.line("a=ice-pwd:" + clean(l.Pwd))
		w.line("a=fingerprint:" + clean(l.Fingerprint))
		w.line("a=setup:actpass")
		w.media(&section)
		if i < len(l.Streams) {
			w.streamOf(l, l.Streams[i])
		}
		if i == 0 {
			w.candidates(l.Candidates, l.Trickles)
		}
	}
	return w.String()
}

// streamOf writes the RTP stream of a section that sends.
func (w *writer) streamOf(l Local, s LocalStream) {
	msid := clean(l.StreamID) + " " + clean(s.TrackID)
	w.line("a=msid:" + msid)
	if s.RTXSSRC != 0 {
		w.line(fmt.Sprintf("a=ssrc-group:FID %d %d", s.SSRC, s.RTXSSRC))
	}
	w.source(s.SSRC, clean(s.CNAME), msid)
	if s.RTXSSRC != 0 {
		w.source(s.RTXSSRC, clean(s.CNAME), msid)
	}
}

// maxAnswerText bounds an answer that is read, in bytes.
const maxAnswerText = 64 << 10

// Read makes a plan of an answer (RFC 3264 6, RFC 9429 5.11). Sections keep the
// order of the offer; those that the answer refuses are not accepted.
func (t *Terms) Read(text string) (*Plan, error) {
	if len(text) > maxAnswerText {
		return nil, answerError("too_large")
	}
	d, err := parseOffer(text)
	if err != nil {
		return nil, answerRefused(err)
	}
	n := &negotiation{offer: d, plan: &Plan{Ingest: t.receive}, room: maxPayloadText, extensions: map[uint8]string{}}
	if err := n.readSections(); err != nil {
		return nil, answerRefused(err)
	}
	if len(d.media) != len(t.sections) {
		return nil, answerError("sections")
	}
	tagged := -1
	for i := range t.sections {
		if err := t.readSection(n, i); err != nil {
			return nil, err
		}
		if tagged < 0 && n.plan.Sections[i].Accepted {
			tagged = i
		}
	}
	if tagged < 0 {
		return nil, answerError("nothing_accepted")
	}
	n.plan.tagged = tagged
	if err := n.readTransport(); err != nil {
		return nil, answerRefused(err)
	}
	if n.plan.Setup == "actpass" { // none, or what no answer may say: it is asked first, so it begins
		n.plan.Setup = "active"
	}
	return n.plan, nil
}

// readSection reads what became of one section.
func (t *Terms) readSection(n *negotiation, i int) error {
	ours, section, m := &t.sections[i], &n.plan.Sections[i], n.offer.media[i]
	if section.Mid == "" {
		section.Mid = ours.mid
	}
	if section.Kind != ours.kind.String() || section.Mid != ours.mid {
		return answerError("sections")
	}
	flows := section.Direction == "sendrecv" || section.Direction == "recvonly" && !t.receive || section.Direction == "sendonly" && t.receive
	if section.Port == 0 || !flows {
		section.Reason = "refused by the answer"
		return nil
	}
	if !secureRTP(section.Proto) {
		return answerError("protocol")
	}
	section.Extensions = n.readExtensions(m, n.extensions, append(passing(), Mid, TransportCC))
	for id, uri := range section.Extensions {
		if ours.extensions[id] != uri {
			delete(section.Extensions, id)
		}
	}
	if t.receive {
		n.takePayloads(section, m)
		section.Payloads = slices.DeleteFunc(section.Payloads, func(p Payload) bool { return !ours.has(p.Format) })
		section.Sources = readSources(m)
	} else {
		t.takeAnswered(section, ours, payloads(m))
	}
	if len(section.Payloads) == 0 {
		section.Reason = "no common codec"
		return nil
	}
	first := section.Payloads[0]
	section.Accepted = true
	section.PayloadType, section.RTXPayloadType, section.Format, section.Feedback = first.Number, first.RTX, first.Format, first.Feedback
	return nil
}

// has says whether a codec was offered.
func (s *termsSection) has(f codec.Format) bool {
	return slices.ContainsFunc(s.payloads, func(p Payload) bool {
		return codec.Canonical(p.Format.Name) == codec.Canonical(f.Name) && p.Format.ClockRate == f.ClockRate
	})
}

// takeAnswered takes the payload types that the other server takes, those first
// that the stream prefers.
func (t *Terms) takeAnswered(section *Section, ours *termsSection, list []payload) {
	kind := ours.kind.String()
	section.Track = -1
	for i, spec := range t.specs {
		if spec.Format.Kind() != ours.kind {
			continue
		}
		for _, p := range list {
			if codec.Canonical(p.format.Name) != codec.Canonical(spec.Format.Name) || p.format.ClockRate != spec.Format.ClockRate {
				continue
			}
			taken := Payload{Number: p.number, Format: p.format, Offered: p.format.Fmtp, Feedback: answerFeedback(kind, p.feedback)}
			taken.RTX = retransmission(kind, p, taken.Feedback, list)
			section.Payloads = append(section.Payloads, taken)
			if section.Track < 0 {
				section.Track = i
			}
		}
	}
}

// TakeTransport takes over what an answer says of its transport.
func (p *Plan) TakeTransport(answer *Plan) {
	p.Setup, p.Lite = answer.Setup, answer.Lite
	p.FingerprintAlgorithm, p.Fingerprint = answer.FingerprintAlgorithm, answer.Fingerprint
}
