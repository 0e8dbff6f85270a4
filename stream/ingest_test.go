package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"weir/stream"
)

// A source that begins anew, with numbers that are far away, is treated like a
// new publication: its viewers go on with a key frame, on the same line.
func TestSourceBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		_, rec := watch(t, p, false)
		synctest.Wait()
		src := newSource(p, 100)
		for range 3 {
			src.write()
			synctest.Wait()
		}
		for len(p.KeyFrameWanted()) > 0 {
			<-p.KeyFrameWanted()
		}
		time.Sleep(2 * time.Second)
		src.seq += 1 << 15
		src.time += 1 << 31
		for range 5 { // the first two prove it, and none can be decoded
			src.write()
			synctest.Wait()
		}
		if len(p.KeyFrameWanted()) == 0 {
			t.Error("no key frame was asked for")
		}
		src.n = 200
		src.write()
		synctest.Wait()
		got := rec.packets()
		if len(got) != 4 {
			t.Fatalf("got %d packets, want 4", len(got))
		}
		if d := got[3].header.SequenceNumber - got[2].header.SequenceNumber; d != 1 {
			t.Errorf("number +%d, want +1", d)
		}
		if d := got[3].header.Timestamp - got[2].header.Timestamp; d != 180_000 {
			t.Errorf("timestamp +%d, want the 2 s that passed", d)
		}
	})
}

// A publisher whose numbers leap does not make its viewers' workers count up to
// it: on a viewer's line a long hole is one number, which nobody can have.
func TestLeapsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", opus())
		v, rec := watch(t, p, false)
		synctest.Wait()
		const packets = 100
		for n := range packets {
			p.Tracks()[0].WriteRTP(p, packet(uint16(n*2900), uint32(n*960), []byte{byte(n)}))
			synctest.Wait()
		}
		got := rec.packets()
		if len(got) != packets {
			t.Fatalf("got %d packets of %d", len(got), packets)
		}
		for i := 1; i < packets; i++ {
			if by := got[i].header.SequenceNumber - got[i-1].header.SequenceNumber; by != 2 {
				t.Fatalf("packet %d: number +%d, want 2", i, by)
			}
		}
		v.DownTracks()[0].NACK([]rtcp.NackPair{{PacketID: got[9].header.SequenceNumber - 1, LostPackets: 1}})
		synctest.Wait()
		stats := v.Stats().DownTracks[0]
		if stats.Resent != 1 || stats.Unanswered != 1 {
			t.Errorf("%d packets sent again, %d unanswered, want 1 and 1", stats.Resent, stats.Unanswered)
		}
	})
}
