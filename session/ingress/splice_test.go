package ingress_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// many is more than twice the space of sequence numbers.
const many = 140_500

// kindOf is a key frame each 500 frames.
func kindOf(n int) byte {
	if n%500 == 0 {
		return keyFrame
	}
	return delta
}

// checkLine complains unless the track got so many packets, under numbers that
// follow each other.
func checkLine(t *testing.T, p *publisher, want int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.taken) != want {
		t.Errorf("the track got %d packets, want %d; drops %v", len(p.taken), want, p.Stats()[0].Reception.Drops)
	}
	for i := 1; i < len(p.taken); i++ {
		if by := p.taken[i].SequenceNumber - p.taken[i-1].SequenceNumber; by != 1 {
			t.Fatalf("packet %d: number +%d", i, int16(by))
		}
	}
}

// A publisher that goes on under another SSRC, or with another layer, with
// numbers of its own, is passed on however often these wrap.
func TestLineOutlastsWraps(t *testing.T) {
	t.Run("another SSRC", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPublisher(t)
			p.write(t, picture(low, 0, keyFrame, 10))
			p.write(t, picture(low, 1, delta, 10))
			time.Sleep(40 * time.Millisecond)
			for n := range many {
				p.write(t, picture(high, n-2000, kindOf(n), 10)) // which wraps soon
			}
			checkLine(t, p, 2+many)
		})
	})
	t.Run("another layer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPublisher(t, "h", "l")
			p.write(t, layer(t, "l", low, 0, keyFrame, 10))
			p.write(t, layer(t, "h", high, 30_000, delta, 1000))
			p.write(t, layer(t, "l", low, 1, delta, 10))
			time.Sleep(2 * time.Second)
			for n := range many { // the other layer is silent
				p.write(t, picture(high, 30_001+n, kindOf(n), 10))
			}
			checkLine(t, p, 2+many)
		})
	})
}

// What belongs before the change is no part of the line, however late it comes;
// what belongs behind it is, in whatever order, around wraps too.
func TestOrderAroundAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t, "h", "l")
		const first = 1<<16 - number - 3 // of the layer that follows, three before the wrap
		p.write(t, layer(t, "h", high, first-4, delta, 1000))
		p.write(t, layer(t, "l", low, 0, keyFrame, 10))
		p.write(t, layer(t, "l", low, 2, delta, 10))
		time.Sleep(1100 * time.Millisecond)
		p.write(t, layer(t, "h", high, first-2, delta, 1000)) // -3 and -1 are missing
		p.write(t, layer(t, "h", high, first, keyFrame, 1000))
		p.write(t, layer(t, "h", high, first-1, delta, 1000))         // from before
		p.write(t, again(layer(t, "h", high, first-3, delta, 10), 1)) // the same, asked for again
		p.write(t, layer(t, "h", high, first+2, delta, 10))
		p.write(t, layer(t, "h", high, first+1, delta, 10))
		p.write(t, layer(t, "h", high, first+5, delta, 10)) // behind the wrap
		p.write(t, again(layer(t, "h", high, first+3, delta, 10), 2))
		p.write(t, layer(t, "h", high, first+4, delta, 10))
		if got := p.line(); !slices.Equal(got, []int{0, 2, 3, 5, 4, 8, 6, 7}) {
			t.Errorf("the track got %v", got)
		}
		if got := p.Stats()[0].Reception.Drops; got["before_change"] != 2 || got["layer"] != 2 {
			t.Errorf("drops %v", got)
		}
		for n := range many / 2 { // each pair the wrong way round
			p.write(t, picture(high, first+6+(n^1), delta, 10))
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.taken) != 8+many/2 {
			t.Errorf("the track got %d packets of %d", len(p.taken), 8+many/2)
		}
	})
}

// A stream that the line has left is not gone back to for what comes late of it.
func TestLateKeyFrameOfTheStreamLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t)
		p.write(t, picture(low, 0, keyFrame, 10))
		p.write(t, picture(low, 2, delta, 10))
		time.Sleep(20 * time.Millisecond)
		p.write(t, picture(high, 100, keyFrame, 10))
		p.write(t, again(picture(low, 1, keyFrame, 10), 1))
		p.write(t, picture(low, 3, keyFrame, 10))
		p.write(t, picture(high, 101, delta, 10))
		if got := p.line(); !slices.Equal(got, []int{0, 2, 3, 4}) {
			t.Errorf("the track got %v", got)
		}
		time.Sleep(2 * time.Second)
		p.write(t, picture(low, 4, keyFrame, 10)) // it really goes back
		p.write(t, picture(low, 5, delta, 10))
		if got := p.line(); !slices.Equal(got, []int{0, 2, 3, 4, 5, 6}) {
			t.Errorf("the track got %v", got)
		}
	})
}

// A stream that begins anew under its SSRC, with lower numbers, is passed on
// behind a change of layer too, and the next change goes on from there.
func TestBeginsAnewBehindAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t)
		p.write(t, picture(low, 0, keyFrame, 10))
		p.write(t, picture(high, 20_000, keyFrame, 10))
		p.write(t, picture(high, 20_001, delta, 10))
		for n := range 100 {
			p.write(t, picture(high, 500+n, kindOf(n+490), 10))
		}
		time.Sleep(2 * time.Second)
		p.write(t, picture(low, 1, keyFrame, 10))
		p.write(t, picture(low, 2, delta, 10))
		p.mu.Lock()
		defer p.mu.Unlock()
		if got := len(p.taken); got != 3+90+2 {
			t.Fatalf("the track got %d packets; drops %v, %v", got, p.Stats()[0].Reception.Drops, p.track.Stats().Drops)
		}
		newest := p.taken[len(p.taken)-3:]
		for i := 1; i < len(newest); i++ {
			if by := newest[i].SequenceNumber - newest[i-1].SequenceNumber; by != 1 {
				t.Errorf("number +%d behind the last change", by)
			}
		}
	})
}
