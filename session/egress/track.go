package egress

import (
	"fmt"

	"github.com/pion/webrtc/v4"

	"weir/internal/codec"
	"weir/session/negotiate"
	"weir/stream"
)

// trackLocal lets pion negotiate one section of a plan, and hands what came of
// it to the section's DownTrack.
type trackLocal struct {
	// static after Sender.Add
	out    *Sender
	known  uint8 // the payload type that pion knows the section by
	sender *webrtc.RTPSender

	// static after Sender.Join
	section negotiate.Section
	down    *stream.DownTrack // nil: the section was offered and not taken

	// static after Bind
	ssrc, rtxSSRC uint32
}

// Bind is called by pion once, when the answer is set, before the viewer starts.
func (t *trackLocal) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, parameters := range c.CodecParameters() {
		if parameters.PayloadType != webrtc.PayloadType(t.known) {
			continue
		}
		if t.down == nil {
			return parameters, nil
		}
		line := t.line(uint32(c.SSRC()))
		if rtx := uint32(c.SSRCRetransmission()); t.section.RTXPayloadType != 0 && rtx != 0 {
			line.RTXSSRC, line.RTXPayloadType = rtx, t.section.RTXPayloadType
		}
		t.ssrc, t.rtxSSRC = line.SSRC, line.RTXSSRC
		entry := outletStream{ssrc: line.SSRC, rtx: line.RTXSSRC, writer: c.WriteStream()}
		if entry.rtx == 0 {
			entry.rtx = entry.ssrc
		}
		t.out.streams = append(t.out.streams, entry)
		t.down.Attach(line, func(stream.Flusher) stream.Outlet { return t.out })
		return parameters, nil
	}
	return webrtc.RTPCodecParameters{}, fmt.Errorf("bind payload type %d: %w", t.section.PayloadType, webrtc.ErrUnsupportedCodec)
}

// line is what was negotiated for the section.
func (t *trackLocal) line(ssrc uint32) stream.Line {
	line := stream.Line{
		SSRC: ssrc, PayloadType: t.section.PayloadType, Extensions: map[string]uint8{}, Mixed: t.section.Mixed,
	}
	for id, uri := range t.section.Extensions {
		line.Extensions[uri] = id
	}
	for _, p := range t.section.Payloads {
		format := p.TrackFormat()
		line.Payloads = append(line.Payloads, stream.Payload{Format: format, PayloadType: p.Number, RTXPayloadType: p.RTX})
	}
	return line
}

// Unbind does nothing: the viewer is closed before the PeerConnection.
func (t *trackLocal) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID is the track's, unique in its stream.
func (t *trackLocal) ID() string { return t.section.Kind }

// RID is none: a viewer gets one layer.
func (t *trackLocal) RID() string { return "" }

// StreamID is the MediaStream's, which the session's tracks share.
func (t *trackLocal) StreamID() string { return t.out.streamID }

// Kind of media.
func (t *trackLocal) Kind() webrtc.RTPCodecType {
	if t.section.Kind == codec.Audio.String() {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}
