package file_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/codec"
	"weir/internal/mediatest"
)

// captured is when a packet's media were captured, by a sender report.
func (r *recorder) captured(unit got, rate uint32) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	sr := r.reports[len(r.reports)-1]
	seconds := time.Duration(sr.NTPTime>>32) * time.Second
	fraction := time.Duration(sr.NTPTime & 0xffffffff * 1e9 >> 32)
	return seconds + fraction + time.Duration(int32(unit.Timestamp-sr.RTPTime))*time.Second/time.Duration(rate)
}

// A flash, the only key frame besides the first, and a beep, the only packets of some size, fall together at a viewer by RTP
// and sender reports, each time the clip comes round.
func TestSoundAndPictureStayTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flash := []string{
		"-f", "lavfi", "-i", "color=black:size=192x108:rate=30:duration=2,drawbox=color=white:t=fill:enable='between(t,1,1.02)'",
		"-f", "lavfi", "-i", "aevalsrc='if(between(t,1,1.2),0.5*sin(2*PI*1000*t),0)':s=48000:d=2",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "1000", "-sc_threshold", "0", "-force_key_frames", "1", "-pix_fmt", "yuv420p",
	}
	for _, name := range []string{"flash.mp4", "flash.webm.mkv", "flash.f.mp4"} {
		if !soak && name == "flash.f.mp4" {
			continue
		}
		more := mediatest.Opus()
		if name == "flash.f.mp4" {
			more = append(more, "-movflags", "frag_keyframe+delay_moov+default_base_moof")
		}
		mediatest.Clip(t, dir, name, flash, more)
		synctest.Test(t, func(t *testing.T) {
			source, err := newSource(dir, map[string]any{"file": name})
			if err != nil {
				t.Fatal(err)
			}
			_, seen := newStage(t).play(source)
			time.Sleep(13 * time.Second)
			synctest.Wait()
			var flashes, beeps []time.Duration
			key := false
			for _, p := range seen[0].units(true) {
				if codec.KeyFrameStart(codec.H264, p.payload) && !key {
					flashes = append(flashes, seen[0].captured(p, 90000))
				}
				key = codec.KeyFrameStart(codec.H264, p.payload) || key && !p.Marker
			}
			loud := false
			for _, p := range seen[1].units(true) {
				if len(p.payload) > 30 && !loud {
					beeps = append(beeps, seen[1].captured(p, 48000))
				}
				loud = len(p.payload) > 30
			}
			matched := 0
			for _, beep := range beeps {
				for _, flash := range flashes {
					if d := (flash - beep).Abs(); d < 500*time.Millisecond {
						if matched++; d > 20*time.Millisecond {
							t.Errorf("%s: flash and beep are %v apart", name, flash-beep)
						}
						t.Logf("%s: the flash comes %v after the packet with the beep", name, flash-beep)
					}
				}
			}
			if matched < 5 {
				t.Errorf("%s: %d flashes, %d beeps, %d together", name, len(flashes), len(beeps), matched)
			}
		})
	}
}
