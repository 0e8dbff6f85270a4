package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/codec"
	"weir/stream"
)

// bare writes one H.264 picture of one packet.
func bare(p *stream.Publication, seq uint16, timestamp uint32, payload ...byte) {
	pkt := packet(seq, timestamp, payload)
	p.Tracks()[0].WriteRTP(p, pkt)
	synctest.Wait()
}

// Key frames that lack parameter sets get them, once, under an index of their
// own; the source's numbers go on around it, and a late or repeated packet still
// finds its place.
func TestParameterSetsArePutIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		spec := h264()
		spec.Format.Fmtp += ";sprop-parameter-sets=Z0LAH9kAUAW7ARAAAAMAEAAAAwMg8YMkgA==,aMuDyyA="
		p := publish(t, r, "a", spec)
		_, rec := watch(t, p, true)
		synctest.Wait()
		if got := p.Tracks()[0].Format().Profile(); got != "constrained-baseline" {
			t.Errorf("declared profile %q", got)
		}
		bare(p, 10, 0, 0x65, 0x88, 1)           // lacks them
		bare(p, 11, 0, 0x65, 0x08, 2)           // its second slice
		bare(p, 12, 3000, 0x41, 0x9a, 3)        //
		bare(p, 14, 9000, 0x41, 0x9a, 5)        // 13 is missing
		bare(p, 15, 12000, 0x06, 5, 1, 1, 0x80) // SEI
		bare(p, 16, 12000, 0x65, 0x88, 7)       // lacks them too
		bare(p, 13, 6000, 0x41, 0x9a, 4)        // late
		bare(p, 12, 3000, 0x41, 0x9a, 3)        // twice
		bare(p, 17, 15000, unhex(t, spsHigh)...)
		bare(p, 18, 15000, unhex(t, ppsHigh)...)
		bare(p, 19, 15000, 0x65, 0x88, 8) // has them
		bare(p, 20, 18000, 0x65, 0x88, 9) // lacks them: the newest are put in
		got := rec.packets()
		want := []struct {
			number      uint16
			first, last byte
		}{
			{0, 0x78, 0x20},
			{1, 0x65, 1},
			{2, 0x65, 2},
			{3, 0x41, 3},
			{5, 0x41, 5},
			{6, 0x06, 0x80},
			{7, 0x78, 0x20},
			{8, 0x65, 7},
			{4, 0x41, 4},
			{9, 0x67, 0xc0},
			{10, 0x68, 0xc0},
			{11, 0x65, 8},
			{12, 0x78, 0xc0},
			{13, 0x65, 9},
		}
		if len(got) != len(want) {
			t.Fatalf("%d packets, want %d", len(got), len(want))
		}
		for i, w := range want {
			if n := got[i].header.SequenceNumber - got[0].header.SequenceNumber; n != w.number || got[i].payload[0] != w.first ||
				got[i].payload[len(got[i].payload)-1] != w.last {
				t.Errorf("packet %d: number +%d, %x, want +%d, %x", i, n, got[i].payload, w.number, w.first)
			}
			if set := w.first == 0x78; set && (got[i].header.Marker || got[i].header.Timestamp != got[i+1].header.Timestamp) {
				t.Errorf("packet %d: %+v", i, got[i].header)
			}
		}
		st := p.Tracks()[0].Stats()
		if st.SetsInserted != 3 || st.Drops["duplicate"] != 1 || st.SetsLate+st.SetsMissing != 0 {
			t.Errorf("%+v", st)
		}
		if got := p.Tracks()[0].Format(); got.Profile() != "high" || codec.Params(got.Fmtp)["packetization-mode"] != "1" {
			t.Errorf("real format %s", got)
		}
	})
}

// A key frame whose first packet comes late gets no parameter sets; a replay
// brings them.
func TestLateKeyFrameGetsSetsInReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		spec := h264()
		spec.Format.Fmtp += ";sprop-parameter-sets=Z0LAH9kAUAW7ARAAAAMAEAAAAwMg8YMkgA==,aMuDyyA="
		p := publish(t, r, "a", spec)
		bare(p, 10, 0, 0x65, 0x88, 1)
		time.Sleep(time.Second)
		f := newFilm(t, p, 1000)
		f.bare, f.seq, f.base = true, 11, 90_000
		f.drop = func(picture, packet int) bool { return picture == 0 && packet == 0 }
		f.write()
		f.track.WriteRTP(p, f.lost[0])
		f.until(500 * time.Millisecond)
		rec := newRecorder()
		watchWith(t, p, true, rec)
		f.until(time.Second)
		synctest.Wait()
		got := rec.packets()
		if got[0].payload[0] != 0x78 || got[1].payload[0] != 0x7c || got[1].payload[1] != 0x85 ||
			got[0].header.Timestamp != got[1].header.Timestamp || got[1].header.SequenceNumber != got[0].header.SequenceNumber+1 {
			t.Errorf("began with %x, %x", got[0].payload, got[1].payload[:2])
		}
		if st := p.Tracks()[0].Stats(); st.SetsLate != 1 || st.SetsInserted != 1 {
			t.Errorf("%+v", st)
		}
	})
}
