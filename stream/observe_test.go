package stream_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"weir/stream"
)

// An observer sees what a track takes, as it was written, of one publication
// after the other, and nothing else.
func TestObserve(t *testing.T) {
	r := running(t, stream.Options{})
	first := publish(t, r, "me", h264())
	track := first.Tracks()[0]
	type look struct {
		by        *stream.Publication
		sequence  uint16
		timestamp uint32
	}
	var seen []look
	others := 0
	stopOther := track.Observe(func(*stream.Publication, time.Time, *rtp.Packet) { others++ })
	stop := track.Observe(func(p *stream.Publication, at time.Time, pkt *rtp.Packet) {
		if time.Since(at).Abs() > time.Minute {
			t.Errorf("seen at %v", at)
		}
		seen = append(seen, look{p, pkt.SequenceNumber, pkt.Timestamp})
	})
	track.WriteRTP(first, packet(6, 1000, delta(0))) // before the first key frame: not taken
	track.WriteRTP(first, packet(7, 1000, keyFrame(1)))
	track.WriteRTP(first, packet(9, 4000, delta(2)))
	track.WriteRTP(first, packet(9, 4000, delta(2))) // again
	track.WriteRTP(first, packet(8, 4000, delta(2)))
	second := publish(t, r, "me", h264())
	track.WriteRTP(first, packet(10, 7000, delta(3))) // superseded
	track.WriteRTP(second, packet(30_000, 5, keyFrame(4)))
	stop()
	track.WriteRTP(second, packet(30_001, 3005, delta(5)))

	want := []look{{first, 7, 1000}, {first, 9, 4000}, {first, 8, 4000}, {second, 30_000, 5}}
	if len(seen) != len(want) {
		t.Fatalf("saw %v", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Errorf("packet %d: %+v, want %+v", i, seen[i], want[i])
		}
	}
	if stopOther(); others != 5 {
		t.Errorf("the other observer saw %d packets", others)
	}
	if n := track.Stats().Packets; n != 5 {
		t.Errorf("%d packets taken", n)
	}
	if first.Stream().Viewers() != 0 {
		t.Error("an observer counts as a viewer")
	}
	select {
	case watched := <-track.Demand():
		if watched {
			t.Error("an observer makes demand")
		}
	default:
	}
}
