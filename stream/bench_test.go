package stream_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// counter is an Outlet that counts packets for all viewers together.
type counter struct {
	left *atomic.Int64
	done chan struct{}
}

func (c counter) Append(*rtp.Header, []byte) stream.DropReason {
	if c.left.Add(-1) == 0 {
		c.done <- struct{}{}
	}
	return stream.DropNone
}

func (counter) Report(*rtcp.SenderReport) {}

// round writes one packet and returns when the last viewer has had it.
func rounds(tb testing.TB, viewers int) (round func()) {
	tb.Helper()
	r := running(tb, stream.Options{})
	p := publish(tb, r, "a", h264())
	c := counter{&atomic.Int64{}, make(chan struct{}, 1)}
	for range viewers {
		watchWith(tb, p, true, c)
	}
	key, other := make([]byte, 1200), make([]byte, 1200)
	copy(key, keyFrame(0))
	copy(other, delta(0))
	track, n := p.Tracks()[0], uint32(0)
	return func() {
		c.left.Store(int64(viewers))
		payload := other
		if n%1000 == 0 {
			payload = key
		}
		track.WriteRTP(p, packet(uint16(n), n/10*3000, payload))
		n++
		<-c.done
	}
}

// BenchmarkWriteRTP is one packet to all viewers, until the last Append has
// returned; allocations are the process's.
func BenchmarkWriteRTP(b *testing.B) {
	for _, viewers := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			round := rounds(b, viewers)
			for range 2048 {
				round()
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n := 0
			for b.Loop() {
				round()
				n++
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(n), "mallocs/packet")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/float64(viewers), "ns/viewer")
		})
	}
}

// The path of a packet allocates for the packet, never for a viewer.
func TestWriteRTPAllocatesNothingPerViewer(t *testing.T) {
	per := func(viewers int) float64 {
		round := rounds(t, viewers)
		for range 2048 {
			round()
		}
		const n = 2000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			round()
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / n
	}
	one, many := per(1), per(200)
	t.Logf("%.2f mallocs a packet with 1 viewer, %.2f with 200", one, many)
	if many-one > 0.5 {
		t.Errorf("200 viewers cost %.2f mallocs a packet, one costs %.2f", many, one)
	}
}
