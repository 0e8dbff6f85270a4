package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/stream"
)

// bare writes one H.264 picture of one packet.
func bare(p *stream.Publication, seq uint16, timestamp uint32, payload ...byte) {
	pkt := packet(seq, timestamp, payload)
	p.Tracks()[0].WriteRTP(p, pkt)
	synctest.Wait()
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
