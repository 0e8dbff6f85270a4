package pattern_test

import (
	"math"
	"testing"

	"weir/publisher/pattern"
)

// power is how strong a frequency is in the samples of one channel: the Goertzel algorithm, as an amplitude.
func power(pcm []int16, channel, hz int) float64 {
	var re, im float64
	n := len(pcm) / 2
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(hz) * float64(i) / 48000)
		v := float64(pcm[2*i+channel])
		re, im = re+v*cos, im+v*sin
	}
	return 2 * math.Hypot(re, im) / float64(n)
}

func record(s *pattern.Sound, from, to int64) []int16 {
	var pcm []int16
	for n := from; n < to; n++ {
		pcm = append(pcm, s.Samples(n)...)
	}
	return pcm
}

func TestSoundHasOneToneAChannel(t *testing.T) {
	p := pattern.Default("test")
	p.LeftHz, p.RightHz = 440, 880
	pcm := record(pattern.NewSound(p), 10, 50) // without the beep
	for _, c := range []struct{ channel, has, lacks int }{{0, 440, 880}, {1, 880, 440}} {
		has, lacks := power(pcm, c.channel, c.has), power(pcm, c.channel, c.lacks)
		if has < 4000 || lacks > has/100 {
			t.Errorf("channel %d: %d Hz has %.0f, %d Hz %.0f", c.channel, c.has, has, c.lacks, lacks)
		}
		if beep := power(pcm, c.channel, 2000); beep > has/100 {
			t.Errorf("channel %d: beep of %.0f between the seconds", c.channel, beep)
		}
	}
}

// On each second both channels beep for 100 ms, louder than the tones.
func TestSoundBeepsOnTheSecond(t *testing.T) {
	s := pattern.NewSound(pattern.Default("test"))
	for second := range int64(3) {
		for n := range int64(50) {
			pcm := s.Samples(second*50 + n)
			if len(pcm) != 1920 {
				t.Fatalf("%d samples", len(pcm))
			}
			for channel := range 2 {
				beep, tone := power(pcm, channel, 2000), power(pcm, channel, []int{440, 880}[channel])
				if want := n < 5; want != (beep > tone) {
					t.Errorf("second %d, unit %d, channel %d: beep %.0f, tone %.0f", second, n, channel, beep, tone)
				}
			}
		}
	}
}

// No step between any two samples is larger than the tone and the beep can make it: the phase never jumps.
func TestSoundIsContinuous(t *testing.T) {
	p := pattern.Default("test")
	p.LeftHz, p.RightHz = 441, 997
	pcm := record(pattern.NewSound(p), 0, 150)
	for channel, hz := range []float64{441, 997} {
		most := 2*math.Pi/48000*(hz*0.18+2000*0.55)*math.MaxInt16 + 2
		for i := 1; i < len(pcm)/2; i++ {
			if step := math.Abs(float64(pcm[2*i+channel]) - float64(pcm[2*i-2+channel])); step > most {
				t.Fatalf("channel %d jumps by %.0f at sample %d", channel, step, i)
			}
		}
	}
}
