package egress

import (
	"crypto/rand"
	"io"
	"sync"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v4/packetio"

	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// Sender is a session's way out through pion, audio and video alike, and the
// stream.Outlet of its viewer. Add, Join, Streams and Start are called in this
// order by one goroutine; Append and Report are the viewer's worker's once the
// viewer has started; the other methods may be called from any.
type Sender struct {
	// static after New
	conn     *peer.Conn
	ready    func() bool // the Conn's
	streamID string
	cname    string
	inbox    *inbox

	// static after Add
	tracks []*trackLocal

	// static after Join
	feedback []*feedback

	// static after the viewer's start
	streams []outletStream

	packets, bytes atomic.Uint64 // taken, and their payload bytes

	reading sync.WaitGroup // the feedback's goroutines

	// owned by the viewer's worker
	description [2]rtcp.Packet
}

var _ stream.Outlet = (*Sender)(nil)

// New makes a Sender for what a MediaStream of that id has. Flooded is called, by
// pion's goroutines and more than once, when the player names more RTP streams than
// can belong to one session; it must not wait.
func New(c *peer.Conn, streamID string, flooded func()) *Sender {
	return &Sender{conn: c, ready: c.Ready, streamID: streamID, cname: rand.Text()[:16], inbox: newInbox(flooded)}
}

// Buffer makes what pion keeps a player's packets in (peer.Setup.Buffer).
func (s *Sender) Buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	return s.inbox.buffer(kind, ssrc)
}

// Add adds to the PeerConnection, before that negotiates, a sender for each of the
// sections. Where this end offers they stand in for those that the other end
// chooses: pion writes what it is given.
func (s *Sender) Add(sections []negotiate.Section) error {
	for i := range sections {
		track := &trackLocal{section: sections[i], known: sections[i].PayloadType, out: s}
		sender, err := s.conn.Send(track)
		if err != nil {
			return err
		}
		track.sender = sender
		s.inbox.add(uint32(sender.GetParameters().Encodings[0].SSRC))
		s.tracks = append(s.tracks, track)
	}
	return nil
}

// Join gives those of the sections that are accepted their DownTracks, in their
// order. The sections are those of Add as they were agreed on; pion must not have
// negotiated them yet.
func (s *Sender) Join(sections []negotiate.Section, down []*stream.DownTrack) {
	for i, track := range s.tracks {
		if sections[i].Accepted {
			track.section, track.down = sections[i], down[len(s.feedback)]
			s.feedback = append(s.feedback, &feedback{track: track})
		}
	}
}

// Streams are what a description says of each section of Add, without titles.
func (s *Sender) Streams() []negotiate.LocalStream {
	all := make([]negotiate.LocalStream, len(s.tracks))
	for i, t := range s.tracks {
		all[i] = negotiate.LocalStream{SSRC: t.ssrc, RTXSSRC: t.rtxSSRC, CNAME: s.cname, TrackID: t.ID()}
		if t.ssrc == 0 { // an offer's, not bound before the answer
			encoding := t.sender.GetParameters().Encodings[0]
			all[i].SSRC, all[i].RTXSSRC = uint32(encoding.SSRC), uint32(encoding.RTX.SSRC)
		}
	}
	return all
}

// Start begins to read what the player says.
func (s *Sender) Start() {
	for _, f := range s.feedback {
		s.reading.Go(f.read)
	}
}

// Wait waits until nothing is read any more: after the PeerConnection was closed.
func (s *Sender) Wait() { s.reading.Wait() }

// Counted is how many packets of media were sent, and their payloads' bytes.
func (s *Sender) Counted() (packets, bytes uint64) { return s.packets.Load(), s.bytes.Load() }

// Stats are the counters of the sections that have a DownTrack, in their order.
func (s *Sender) Stats() []Stats {
	all := make([]Stats, len(s.feedback))
	for i, f := range s.feedback {
		all[i] = f.snapshot()
	}
	return all
}
