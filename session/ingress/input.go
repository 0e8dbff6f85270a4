package ingress

import (
	"slices"
	"strings"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/session/negotiate"
	"weir/stream"
)

// input is one section that is received.
type input struct {
	// static after newInput
	section  *negotiate.Section
	payloads map[uint8]payloadRoute
	video    bool

	// guarded by Receiver.mu
	splice
	fed       *stream.Track // that got the newest packet
	past      Reception     // of streams that are no more
	pastLost  int64
	layers    uint64  // packets of layers that are not forwarded
	before    uint64  // packets from before the line changed over to their stream
	unasked   uint64  // key frames wanted that could not be asked for
	keyFrames uint64  // asked for
	awaited   bool    // one was, and has not come
	declared  *source // that the offer declares, if it was asked for one before a packet came
	answered  uint64  // came soon after they were asked for
}

// payloadRoute says what a payload type carries.
type payloadRoute struct {
	codec     string // in lower case
	clockRate uint32
	nacks     bool  // lost packets can be asked for
	pli, fir  bool  // so can key frames
	repairs   bool  // it carries retransmissions
	of        uint8 // then of this payload type
}

func newInput(section *negotiate.Section) *input {
	in := &input{section: section, payloads: map[uint8]payloadRoute{}, video: section.Kind == codec.Video.String()}
	for _, p := range section.Payloads {
		route := payloadRoute{codec: strings.ToLower(p.Format.Name), clockRate: p.Format.ClockRate}
		for _, value := range p.Feedback {
			route.nacks = route.nacks || value == "nack"
			route.pli = route.pli || value == "nack pli"
			route.fir = route.fir || value == "ccm fir"
		}
		in.payloads[p.Number] = route
		if p.RTX != 0 {
			in.payloads[p.RTX] = payloadRoute{codec: route.codec, clockRate: route.clockRate, repairs: true, of: p.Number}
		}
	}
	return in
}

// note takes account of a key frame that was asked for.
func (in *input) note(s *source, pkt *rtp.Packet, route payloadRoute, now time.Time) {
	if !in.awaited || !codec.KeyFrameStart(route.codec, pkt.Payload) {
		return
	}
	in.awaited = false
	if now.Sub(s.keyFrameAt) < silence {
		in.answered++
	}
}

// declares says whether the offer says that the SSRC is of this section.
func (in *input) declares(ssrc uint32) bool {
	for _, s := range in.section.Sources {
		if s.SSRC == ssrc || s.RTX == ssrc {
			return true
		}
	}
	return false
}

// known says whether the layer was answered.
func (in *input) known(rid string) bool {
	return slices.Contains(in.section.RIDs, rid)
}
