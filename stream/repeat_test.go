package stream_test

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/internal/codec"
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
	strict  bool           // a retransmission's payload type is one more than the media's
	types   map[uint8]bool // payload types of SSRC 1; read when the viewer is closed
	wrong   []string
	mu      sync.Mutex // guards wrong, which the test reads
}

func newLedger(seed uint64) *ledger {
	return &ledger{
		seed: maphash.MakeSeed(), seen: map[[2]uint64]uint64{}, newest: map[uint32]uint64{},
		refuse: rand.New(rand.NewPCG(3, seed)), types: map[uint8]bool{},
	}
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
	case h.SSRC > 100:
		l.checkRetransmission(h, payload)
	case ok && old != sum:
		l.complain("number %d of %d with other bytes", n, h.SSRC)
	}
	l.seen[k] = sum
	if h.SSRC == 1 {
		l.types[h.PayloadType] = true
		l.numbers.Store(uint32(l.newest[1]))
	}
	if l.refuse.IntN(10) == 0 {
		return stream.DropQueueFull
	}
	return stream.DropNone
}

// checkRetransmission complains unless the packet says what was sent first under
// the number that stands in its payload (RFC 4588 4).
func (l *ledger) checkRetransmission(h *rtp.Header, payload []byte) {
	first, ssrc := *h, h.SSRC-100
	first.SSRC, first.SequenceNumber = ssrc, uint16(payload[0])<<8|uint16(payload[1])
	first.PayloadType-- // as the tests number them
	bytes, err := (&rtp.Packet{Header: first, Payload: payload[2:]}).Marshal()
	if err != nil {
		l.complain("marshal: %v", err)
	}
	n := l.newest[ssrc]
	n -= uint64(uint16(n) - first.SequenceNumber)
	k, sum := [2]uint64{uint64(ssrc), n}, maphash.Bytes(l.seed, bytes)
	if old, ok := l.seen[k]; l.strict && ok && old != sum {
		l.complain("number %d of %d was sent again with other bytes", n, ssrc)
	}
	if l.strict {
		l.seen[k] = sum // a packet that comes late may be asked for before it is sent
	}
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
			l := newLedger(4)
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

// The same over everything that cuts a line: replays of joiners and of those that
// ask, take-overs, layers and codecs that change under the viewers, profiles, and
// publishers that lose and reorder what they send.
func TestNumbersNeverRepeatOverChanges(t *testing.T) {
	r := running(t, stream.Options{Join: stream.JoinOptions{MinRate: 100_000_000, MaxRate: 400_000_000, MaxFrames: 40}})
	rnd := rand.New(rand.NewPCG(5, 6))
	layer := func(rid string) stream.Spec { s := h264(); s.RID = rid; return s }
	specs := [][]stream.Spec{
		{layer("h"), layer("l"), vp8()}, {vp8()}, {layer("l"), layer("h")}, {layer("h"), vp8()},
	}
	take := func() *stream.Publication {
		o := stream.PublishOptions{By: "a", Specs: specs[rnd.IntN(len(specs))], Alternatives: true}
		p, err := r.PublishWith("test", o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := take()
	type watcher struct {
		*ledger
		v    *stream.Viewer
		asks *rand.Rand
	}
	var watchers []*watcher
	join := func() {
		l := newLedger(uint64(len(watchers)))
		l.strict = true
		payloads := both()
		if len(watchers)%2 == 1 {
			for i := range payloads {
				payloads[i].RTXPayloadType = 0
			}
		}
		v, _ := follower(t, p, l, payloads)
		watchers = append(watchers, &watcher{l, v, rand.New(rand.NewPCG(7, uint64(len(watchers))))})
	}
	join()
	var track *stream.Track
	var f *film
	vp := false
	change := func() {
		tracks := p.Tracks()
		track = tracks[rnd.IntN(len(tracks))]
		vp = track.Spec().Format.Name == codec.VP8
		f = newFilm(t, p, 20+rnd.IntN(60))
		f.track, f.seq, f.base = track, uint16(rnd.Uint32()), rnd.Uint32()
		f.size, f.packets, f.keyPackets, f.bare = 100+rnd.IntN(900), 1+rnd.IntN(4), 1+rnd.IntN(10), rnd.IntN(3) == 0
	}
	change()
	var held []*rtp.Packet
	for picture := range 4000 {
		key := f.picture%f.every == 0
		for i, pkt := range f.next() {
			if vp {
				pkt.Payload[0], pkt.Payload[1] = 0, 1
				if i == 0 {
					pkt.Payload[0] = 0x10
				}
				if key {
					pkt.Payload[1] = 0
				}
			}
			switch rnd.IntN(30) {
			case 0: // lost
			case 1:
				held = append(held, pkt)
			default:
				track.WriteRTP(p, pkt)
			}
			if len(held) > rnd.IntN(8) {
				track.WriteRTP(p, held[0])
				held = held[1:]
			}
		}
		for _, w := range watchers {
			d := w.v.DownTracks()[0]
			if w.asks.IntN(3) == 0 {
				d.NACK([]rtcp.NackPair{{
					PacketID: uint16(w.numbers.Load()) - uint16(w.asks.IntN(300)), LostPackets: rtcp.PacketBitmap(w.asks.Uint32()),
				}})
			}
			if w.asks.IntN(300) == 0 {
				d.RequestKeyFrame()
			}
		}
		switch n := rnd.IntN(400); {
		case n == 0:
			p, held = take(), nil
			change()
		case n < 3:
			held = nil
			change()
		case n < 8 && len(watchers) < 60:
			join()
		}
		if picture%2 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	var replays, lone, resent uint64
	moved := 0
	for _, w := range watchers {
		st := w.v.Stats().DownTracks[0]
		replays, lone, resent = replays+st.Replays, lone+st.LoneKeyFrames, resent+st.Resent
		w.v.Close()
		if len(w.types) > 1 {
			moved++
		}
		checkCounts(t, w.v)
		for _, wrong := range w.wrong {
			t.Error(wrong)
		}
	}
	t.Logf("%d viewers, %d replays, %d lone key frames, %d resent, %d with several payload types", len(watchers), replays, lone, resent, moved)
	if replays < 20 || resent < 1000 || moved < 5 {
		t.Error("the test did nothing")
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
