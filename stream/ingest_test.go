package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/stream"
)

// has left.
func TestTakeOverLeavesOldHoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		old := publish(t, r, "a", h264())
		_, rec := watch(t, old, false)
		synctest.Wait()
		src := newSource(old, 100)
		src.write()
		src.next() // lost
		src.write()
		synctest.Wait()
		p := publish(t, r, "a", h264())
		src = newSource(p, 100)
		src.seq = 1000
		src.write()
		src.writePacket(packet(998, src.time, delta(7))) // where the hole is
		synctest.Wait()
		if got := rec.packets(); len(got) != 3 {
			t.Errorf("got %d packets, want 3: the last is %x", len(got), got[len(got)-1].payload)
		}
		if n := p.Tracks()[0].Stats().Drops["late"]; n != 1 {
			t.Errorf("%d late packets counted, want 1", n)
		}
	})
}

// when the cache has grown since.
func TestIndexIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		v, rec := watch(t, p, false)
		synctest.Wait()
		src := newSource(p, 10_000)
		src.seq = 1
		for range 1000 { // slow enough for 512 packets to be kept
			src.write()
			synctest.Wait()
			time.Sleep(3 * time.Millisecond)
		}
		for range 600 { // at once: twice as many are kept
			src.write()
			synctest.Wait()
		}
		before := len(rec.packets())
		gone := packet(601, 601*3000, delta(1_000_000)) // other bytes under a number that was sent
		src.writePacket(gone)
		synctest.Wait()
		if got := rec.packets(); len(got) != before {
			t.Errorf("number %d was sent again with %x", got[before].header.SequenceNumber, got[before].payload)
		}
		if drops := p.Tracks()[0].Stats().Drops; drops["late"]+drops["duplicate"] != 1 {
			t.Errorf("drops %v", drops)
		}
		checkCounts(t, v)
	})
}

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
