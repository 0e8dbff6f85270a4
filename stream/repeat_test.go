package stream_test

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// ledger is an Outlet that remembers, for each SSRC and extended number, a hash
// of the bytes it was given, and complains about two that differ and about a
// retransmission number used twice.
type ledger struct {
	seed    maphash.Seed
	seen    map[[2]uint64]uint64
	newest  map[uint32]uint64
	appends atomic.Int64
	numbers atomic.Uint32 // the newest number sent on SSRC 1
	refuse  *rand.Rand
	wrong   []string
	mu      sync.Mutex // guards wrong, which the test reads
}

func (l *ledger) complain(format string, a ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.wrong) < 10 {
		l.wrong = append(l.wrong, fmt.Sprintf(format, a...))
	}
}

func (l *ledger) Append(h *rtp.Header, payload []byte) stream.DropReason {
	l.appends.Add(1)
	n := l.extend(h.SSRC, h.SequenceNumber)
	bytes, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	if err != nil {
		l.complain("marshal: %v", err)
	}
	sum := maphash.Bytes(l.seed, bytes)
	k := [2]uint64{uint64(h.SSRC), n}
	switch old, ok := l.seen[k]; {
	case ok && h.SSRC > 100:
		l.complain("retransmission number %d twice", n)
	case ok && old != sum:
		l.complain("number %d of %d with other bytes", n, h.SSRC)
	}
	l.seen[k] = sum
	if h.SSRC == 1 {
		l.numbers.Store(uint32(l.newest[1]))
	}
	if l.refuse.IntN(10) == 0 {
		return stream.DropQueueFull
	}
	return stream.DropNone
}

func (l *ledger) extend(ssrc uint32, n uint16) uint64 {
	newest, ok := l.newest[ssrc]
	if !ok {
		newest = uint64(n) + 1<<16
	}
	ext := newest + uint64(int64(int16(n-uint16(newest))))
	l.newest[ssrc] = max(newest, ext)
	return ext
}

func (l *ledger) Report(*rtcp.SenderReport) {}

// What stands under a viewer's number never changes, over 200,000 packets with
// holes, late packets, refusals, key frame requests, take-overs and NACKs for
// anything: the nonce of SRTP is made of it.
func TestNumbersNeverRepeat(t *testing.T) {
	for _, rtx := range []bool{true, false} {
		t.Run(fmt.Sprintf("rtx=%t", rtx), func(t *testing.T) {
			r := running(t, stream.Options{})
			p := publish(t, r, "a", h264())
			rnd := rand.New(rand.NewPCG(1, 2))
			l := &ledger{
				seed: maphash.MakeSeed(), seen: map[[2]uint64]uint64{}, newest: map[uint32]uint64{},
				refuse: rand.New(rand.NewPCG(3, 4)),
			}
			v := watchWith(t, p, rtx, l)
			d := v.DownTracks()[0]
			src := newSource(p, 50)
			var held []*rtp.Packet
			for l.appends.Load() < 200_000 {
				pkt := src.next()
				pkt.Payload = bytes.Repeat(pkt.Payload, 1+rnd.IntN(20))
				switch rnd.IntN(20) {
				case 0: // lost
				case 1:
					held = append(held, pkt)
				default:
					src.writePacket(pkt)
				}
				if len(held) > rnd.IntN(8) {
					src.writePacket(held[0])
					held = held[1:]
				}
				if rnd.IntN(4) == 0 {
					d.NACK([]rtcp.NackPair{{
						PacketID: uint16(l.numbers.Load()) - uint16(rnd.IntN(700)), LostPackets: rtcp.PacketBitmap(rnd.Uint32()),
					}})
				}
				if rnd.IntN(500) == 0 {
					d.RequestKeyFrame()
				}
				if rnd.IntN(20_000) == 0 {
					p = publish(t, r, "a", h264())
					src = newSource(p, 50)
					held = nil
				}
			}
			v.Close()
			for _, w := range l.wrong {
				t.Error(w)
			}
			st := v.Stats().DownTracks[0]
			var drops uint64
			for _, n := range st.Drops {
				drops += n
			}
			if st.Offered != st.Delivered+drops {
				t.Errorf("offered %d, delivered %d, dropped %d", st.Offered, st.Delivered, drops)
			}
			if st.Resent == 0 || st.Drops["queue_full"] == 0 {
				t.Errorf("the test did nothing: %+v", st)
			}
			t.Logf("%+v", st)
		})
	}
}

// newest is an Outlet that keeps the number of the newest packet of SSRC 1, how
// many of its numbers were missing, and gives the answer that it was made with.
type newest struct {
	answer  stream.DropReason
	packets atomic.Int64
	number  atomic.Uint32
	missing atomic.Int64
	arrived chan struct{}
}

func (o *newest) Append(h *rtp.Header, _ []byte) stream.DropReason {
	if h.SSRC != 1 {
		return o.answer
	}
	last := uint16(o.number.Swap(uint32(h.SequenceNumber)))
	if o.packets.Add(1) > 1 {
		o.missing.Add(int64(h.SequenceNumber - last - 1))
	}
	if o.arrived != nil {
		o.arrived <- struct{}{}
	}
	return o.answer
}

func (*newest) Report(*rtcp.SenderReport) {}

// An Outlet that refuses everything, and a viewer that asks for everything
// again, cost the others nothing.
func TestBadViewersHarmNobody(t *testing.T) {
	r := running(t, stream.Options{Workers: 1})
	p := publish(t, r, "a", h264())
	bad := watchWith(t, p, true, &newest{answer: stream.DropQueueFull})
	asked := &newest{}
	greedy := watchWith(t, p, true, asked)
	got := &newest{arrived: make(chan struct{}, 64)}
	good := watchWith(t, p, true, got)
	src := newSource(p, 50)
	const packets = 20_000
	for range packets {
		pkt := src.next()
		pkt.Payload = append(pkt.Payload, make([]byte, 1100)...)
		src.writePacket(pkt)
		<-got.arrived
		n := uint16(asked.number.Load())
		greedy.DownTracks()[0].NACK([]rtcp.NackPair{{PacketID: n - 16, LostPackets: 0xffff}})
	}
	for _, v := range []*stream.Viewer{bad, greedy, good} {
		v.Close()
	}
	if st := good.Stats().DownTracks[0]; st.Delivered != packets || len(st.Drops) != 0 || got.missing.Load() != 0 {
		t.Errorf("good viewer: %+v, %d missing", st, got.missing.Load())
	}
	if st := bad.Stats().DownTracks[0]; st.Drops["queue_full"] != packets {
		t.Errorf("refusing viewer: %+v", st)
	}
	if st := greedy.Stats().DownTracks[0]; st.Limited == 0 || st.Resent == 0 || st.Delivered != packets {
		t.Errorf("greedy viewer: %+v", st)
	}
}
