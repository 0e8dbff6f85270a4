package pattern

import "math"

const (
	sampleRate = 48000
	channels   = 2
	unit       = sampleRate / 50 // samples of a channel in 20 ms

	toneLevel = 0.18 * math.MaxInt16
	beepHz    = 2000
	beepLevel = 0.55 * math.MaxInt16
	beepLen   = sampleRate / 10
	beepEdge  = sampleRate / 400 // rise and fall, so that the beep does not click
)

// A Sound is the pattern's sound: a tone on each channel and, on each second, a beep on both. It is the same in each
// second, since a tone is a whole number of hertz: one second is kept, and the phase is continuous for ever.
type Sound struct {
	second []int16 // interleaved; never written after NewSound
}

// NewSound computes the sound of valid parameters. It holds 192 kB.
func NewSound(p Params) *Sound {
	s := &Sound{second: make([]int16, channels*sampleRate)}
	for i := range sampleRate {
		beep := 0.0
		if i < beepLen {
			edge := min(1, float64(min(i, beepLen-i))/beepEdge)
			beep = beepLevel * (1 - math.Cos(math.Pi*edge)) / 2 * sine(beepHz, i)
		}
		s.second[channels*i] = int16(toneLevel*sine(p.LeftHz, i) + beep)
		s.second[channels*i+1] = int16(toneLevel*sine(p.RightHz, i) + beep)
	}
	return s
}

func sine(hz, sample int) float64 {
	return math.Sin(2 * math.Pi * float64(hz*sample%sampleRate) / sampleRate)
}

// Samples returns the n-th 20 ms since the start, n at least 0: 960 samples of each channel, interleaved, not to be
// written to. Any number of goroutines may call it.
func (s *Sound) Samples(n int64) []int16 {
	first := int(n%(sampleRate/unit)) * unit * channels
	return s.second[first : first+unit*channels : first+unit*channels]
}
