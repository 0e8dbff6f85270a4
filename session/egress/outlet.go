package egress

import (
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/stream"
)

// Flusher is a worker's (stream.Flusher). Packets go to the socket one by one as
// yet, so its Flush has nothing to do.
type Flusher struct{}

// Flush ends a pass.
func (Flusher) Flush() {}

// outletStream is where packets of an SSRC, and of its retransmissions, go.
type outletStream struct {
	ssrc, rtx uint32
	writer    webrtc.TrackLocalWriter
}

// Append sends one packet (stream.Outlet). It does not wait for the ICE agent, as
// pion would.
func (s *Sender) Append(h *rtp.Header, payload []byte) stream.DropReason {
	if !s.ready() {
		return stream.DropNotReady
	}
	for i := range s.streams {
		if to := &s.streams[i]; to.ssrc == h.SSRC || to.rtx == h.SSRC {
			n, err := to.writer.WriteRTP(h, payload)
			if err != nil || n == 0 { // no keys yet, or a failure that pion keeps to itself
				return s.conn.Dropped(err)
			}
			s.packets.Add(1)
			s.bytes.Add(uint64(len(payload)))
			return stream.DropNone
		}
	}
	return stream.DropWriteError
}

// Report sends a sender report with the stream's name in a compound packet
// (RFC 3550 6.1). What cannot be sent is not missed: the next is due in a
// second.
func (s *Sender) Report(sr *rtcp.SenderReport) {
	if !s.ready() {
		return
	}
	s.description[0] = sr
	s.description[1] = &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: sr.SSRC,
		Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: s.cname}},
	}}}
	_ = s.conn.WriteRTCP(s.description[:])
	s.description[0] = nil
}
