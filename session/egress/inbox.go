package egress

import (
	"io"
	"sync"

	"github.com/pion/transport/v4/packetio"
)

const (
	// maxNamed is how many SSRCs a player may name, its own and ours, by RTP or
	// RTCP; one that plays sound and picture names some ten.
	maxNamed = 64
	// maxUnread is how many bytes of RTCP on one of our streams wait to be read, as
	// much as pion keeps by itself.
	maxUnread = 100_000
)

// inbox makes what pion keeps the packets in that a player sends: a queue for RTCP
// on each of our streams, and for everything else nothing. pion makes one for each
// SSRC that a packet names.
type inbox struct {
	// static after newInbox
	flooded func()

	mu sync.Mutex
	// guarded by mu
	ours  map[uint32]bool
	named int // SSRCs that pion has asked for, of RTP and of RTCP
}

func newInbox(flooded func()) *inbox { return &inbox{flooded: flooded, ours: map[uint32]bool{}} }

// add says that RTCP on the SSRC will be read.
func (b *inbox) add(ssrc uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ours[ssrc] = true
}

// buffer is called by pion once for each SSRC of either kind.
func (b *inbox) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	b.mu.Lock()
	b.named++
	over, ours := b.named > maxNamed, b.ours[ssrc]
	b.mu.Unlock()
	if over {
		b.flooded() // pion keeps a note of each
	}
	if !ours || kind != packetio.RTCPBufferPacket {
		return discard{}
	}
	queue := packetio.NewBuffer()
	queue.SetLimitSize(maxUnread)
	return queue
}

// discard takes every packet and has none.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func (discard) Read([]byte) (int, error) { return 0, io.EOF }

func (discard) Close() error { return nil }
