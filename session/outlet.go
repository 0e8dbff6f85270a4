package session

import (
	"fmt"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/internal/codec"
	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// NewFlusher makes a worker's Flusher. Packets go to the socket one by one as
// yet, so its Flush has nothing to do.
func NewFlusher() stream.Flusher { return flusher{} }

type flusher struct{}

func (flusher) Flush() {}

// outlet is a session's way out through pion, audio and video alike. Only the
// viewer's worker uses it once the viewer has started.
type outlet struct {
	// static after newOutlet
	conn  *peer.Conn
	cname string

	// static after the viewer's start
	streams []outletStream

	packets, bytes atomic.Uint64 // taken, and their payload bytes
	description    [2]rtcp.Packet
}

// outletStream is where packets of an SSRC, and of its retransmissions, go.
type outletStream struct {
	ssrc, rtx uint32
	writer    webrtc.TrackLocalWriter
}

// Append sends one packet (stream.Outlet).
func (o *outlet) Append(h *rtp.Header, payload []byte) stream.DropReason {
	for i := range o.streams {
		if s := &o.streams[i]; s.ssrc == h.SSRC || s.rtx == h.SSRC {
			n, err := s.writer.WriteRTP(h, payload)
			if err != nil {
				return o.conn.Dropped(err)
			}
			if n == 0 { // no keys yet, or a failure that pion keeps to itself
				return o.conn.Dropped(nil)
			}
			o.packets.Add(1)
			o.bytes.Add(uint64(len(payload)))
			return stream.DropNone
		}
	}
	return stream.DropWriteError
}

// Report sends a sender report with the stream's name in a compound packet
// (RFC 3550 6.1). What cannot be sent is not missed: the next is due in a
// second.
func (o *outlet) Report(sr *rtcp.SenderReport) {
	o.description[0] = sr
	o.description[1] = &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: sr.SSRC,
		Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: o.cname}},
	}}}
	_ = o.conn.WriteRTCP(o.description[:])
	o.description[0] = nil
}

// trackLocal lets pion negotiate one section of a plan, and hands what came of
// it to the section's DownTrack.
type trackLocal struct {
	// static after newTrackLocal
	section  negotiate.Section
	streamID string
	down     *stream.DownTrack // nil: the section was offered and not taken
	outlet   *outlet
	standIn  uint8 // where this end offers, the payload type that pion knows

	// static after Bind
	ssrc, rtxSSRC uint32
}

// Bind is called by pion once, when the answer is set, before the viewer starts.
func (t *trackLocal) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, parameters := range c.CodecParameters() {
		known := t.section.PayloadType
		if t.standIn != 0 {
			known = t.standIn
		}
		if parameters.PayloadType != webrtc.PayloadType(known) {
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
		t.outlet.streams = append(t.outlet.streams, entry)
		t.down.Attach(line, func(stream.Flusher) stream.Outlet { return t.outlet })
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
func (t *trackLocal) StreamID() string { return t.streamID }

// Kind of media.
func (t *trackLocal) Kind() webrtc.RTPCodecType {
	if t.section.Kind == codec.Audio.String() {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}
