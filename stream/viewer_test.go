package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// gate is an Outlet that holds its worker in Append until the test lets it go.
type gate struct {
	recorder
	held chan struct{} // nil: open
}

func (g *gate) Append(h *rtp.Header, payload []byte) stream.DropReason {
	reason := g.recorder.Append(h, payload)
	if g.held != nil {
		<-g.held
	}
	return reason
}

// checkCounts complains if what was offered is not delivered or dropped.
func checkCounts(t *testing.T, v *stream.Viewer) {
	t.Helper()
	for _, st := range v.Stats().DownTracks {
		var drops uint64
		for _, n := range st.Drops {
			drops += n
		}
		if st.Offered != st.Delivered+drops {
			t.Errorf("offered %d, delivered %d, dropped %d", st.Offered, st.Delivered, drops)
		}
	}
}

// takes no numbers.
func TestOverrunInATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{Workers: 1})
		p := publish(t, r, "a", h264())
		g := &gate{held: make(chan struct{})}
		v := watchWith(t, p, false, g)
		synctest.Wait()
		src := newSource(p, 10_000)
		for range 8 {
			src.write()
		}
		synctest.Wait() // the worker holds the first, seven are behind it or in its turn
		g.held <- struct{}{}
		synctest.Wait()
		for range 1000 {
			src.write()
			time.Sleep(3 * time.Millisecond)
		}
		close(g.held)
		synctest.Wait()
		src.n = 0
		time.Sleep(time.Second)
		src.write()
		synctest.Wait()
		got := g.packets()
		for i := range got[1:] {
			if d := got[i+1].header.SequenceNumber - got[i].header.SequenceNumber; d != 1 {
				t.Errorf("packet %d: number +%d, want +1", i+1, d)
			}
		}
		if st := v.Stats().DownTracks[0]; st.Offered != 1009 {
			t.Errorf("offered %d of 1009: %+v", st.Offered, st)
		}
		checkCounts(t, v)
	})
}

// However long a viewer waits for its first packet, it gets one report a second.
func TestReportsAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		_, rec := watch(t, p, false)
		time.Sleep(5 * time.Second)
		src := newSource(p, 100)
		for range 18 {
			src.write()
			time.Sleep(50 * time.Millisecond)
		}
		synctest.Wait()
		rec.mu.Lock()
		defer rec.mu.Unlock()
		if n := len(rec.reports); n != 1 {
			t.Errorf("%d reports in 0.9 s, want 1", n)
		}
	})
}

// Packets without payload are not free to ask for.
func TestResendsOfEmptyPacketsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", opus())
		v, rec := watch(t, p, true)
		synctest.Wait()
		for n := range uint16(100) {
			p.Tracks()[0].WriteRTP(p, packet(n, uint32(n)*960, nil))
		}
		synctest.Wait()
		first := rec.packets()[0].header.SequenceNumber
		for range 100 {
			for n := range uint16(6) {
				v.DownTracks()[0].NACK([]rtcp.NackPair{{PacketID: first + 16*n, LostPackets: 0xffff}})
				synctest.Wait()
			}
			time.Sleep(31 * time.Millisecond)
		}
		if st := v.Stats().DownTracks[0]; st.Limited == 0 || st.Repeated == 0 || st.Resent < 3000 || st.Resent > 5000 {
			t.Errorf("9,700 packets asked for in 3 s: %+v", st)
		}
	})
}

// A late packet that comes while a viewer has its turn goes out once.
func TestLatePacketInATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{Workers: 1})
		p := publish(t, r, "a", h264())
		g := &gate{held: make(chan struct{})}
		v := watchWith(t, p, false, g)
		synctest.Wait()
		src := newSource(p, 100)
		src.write()
		synctest.Wait()
		src.write()
		late := src.next()
		src.write()
		g.held <- struct{}{}
		synctest.Wait() // the worker holds the second, and knows of the fourth
		src.writePacket(late)
		close(g.held)
		synctest.Wait()
		got := map[uint16]int{}
		for _, s := range g.packets() {
			got[s.header.SequenceNumber-g.packets()[0].header.SequenceNumber]++
		}
		if d := cmp.Diff(map[uint16]int{0: 1, 1: 1, 2: 1, 3: 1}, got); d != "" {
			t.Error(d)
		}
		if st := v.Stats().DownTracks[0]; st.Delivered != 4 {
			t.Errorf("delivered %d of 4", st.Delivered)
		}
	})
}

// One viewer cannot have the cache replayed for ever, nor make the source send
// key frames to everybody: three requests in 10 s are answered, and one beyond
// that waits.
func TestKeyFramesOfOneViewerAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		v, _ := watch(t, p, false)
		src := newSource(p, 240)
		asked := 0
		for i := range 599 { // 20 s
			if i > 0 {
				v.DownTracks()[0].RequestKeyFrame()
			}
			src.write()
			time.Sleep(time.Second / 30)
			synctest.Wait()
			select {
			case <-p.KeyFrameWanted():
				asked++
			default:
			}
		}
		st := v.Stats().DownTracks[0]
		if n := st.Replays + st.LoneKeyFrames; n != 6 {
			t.Errorf("%d answers in 20 s, want 6", n)
		}
		if asked > 8 {
			t.Errorf("the source was asked %d times", asked)
		}
		checkCounts(t, v)
	})
}
