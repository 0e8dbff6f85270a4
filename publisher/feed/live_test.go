package feed_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/internal/media"
	"weir/publisher/feed"
)

var h264Unit = []byte{0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, 0x88, 1}

// live plays units that come at times of their own, and returns what a viewer of the picture and one of the sound get.
func live(t *testing.T, l *feed.Live, st *stage, at []time.Duration, units []media.Unit) (video, audio *recorder) {
	t.Helper()
	tracks := []media.Track{{Kind: codec.Video, Codec: codec.H264}, {Kind: codec.Audio, Codec: codec.Opus}}
	p := st.publish(tracks)
	video, audio = st.watch(p, 0), st.watch(p, 1)
	synctest.Wait()
	begin := time.Now()
	n := 0
	err := l.Run(t.Context(), p, tracks, func() (media.Unit, error) {
		if n == len(units) {
			return media.Unit{}, io.EOF
		}
		time.Sleep(at[n] - time.Since(begin))
		n++
		return units[n-1], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return video, audio
}

// The RTP clock follows the units' own times, not when they come; picture and sound are of one clock; after a jump back the
// timestamps go on.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		var units []media.Unit
		jitter := []int{0, 7, 21, 3, 14}
		for n := range 300 {
			pts := time.Duration(n) * 20 * time.Millisecond
			arrives := pts + time.Duration(jitter[n%5])*time.Millisecond
			if n >= 200 { // the input began anew
				pts -= 200 * 20 * time.Millisecond
			}
			at = append(at, arrives, arrives)
			units = append(units,
				media.Unit{Track: 0, Data: h264Unit, PTS: pts, DTS: pts, Key: true},
				media.Unit{Track: 1, Data: []byte{0xfc, 1}, PTS: pts, DTS: pts, Key: true})
		}
		video, audio := live(t, feed.NewLive(), newStage(t), at, units)
		pictures, sounds := video.units(false), audio.units(true)
		if len(pictures) != 300 || len(sounds) != 300 {
			t.Fatalf("%d pictures, %d sounds", len(pictures), len(sounds))
		}
		for i := 1; i < 300; i++ {
			picture, sound := pictures[i].Timestamp-pictures[i-1].Timestamp, sounds[i].Timestamp-sounds[i-1].Timestamp
			if i != 200 && (picture != 1800 || sound != 960) {
				t.Errorf("unit %d: steps of %d and %d", i, picture, sound)
			}
			if i == 200 && (picture < 900 || picture > 4500 || sound < 480 || sound > 2400) {
				t.Errorf("after the jump: steps of %d and %d", picture, sound)
			}
		}
		ntp := func(r *recorder, unit rtp.Header, rate uint32) time.Duration { // when the unit was captured, by the last report
			sr := r.reports[len(r.reports)-1]
			seconds := time.Duration(sr.NTPTime>>32) * time.Second
			fraction := time.Duration(sr.NTPTime & 0xffffffff * 1e9 >> 32)
			return seconds + fraction + time.Duration(int32(unit.Timestamp-sr.RTPTime))*time.Second/time.Duration(rate)
		}
		if skew := ntp(video, pictures[299], 90000) - ntp(audio, sounds[299], 48000); skew.Abs() > time.Millisecond {
			t.Errorf("picture and sound are apart by %v", skew)
		}
	})
}

// A second input goes on with the numbers of the first, and the time that passed.
func TestLiveGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := newStage(t), feed.NewLive()
		unit := func(pts time.Duration) media.Unit { return media.Unit{Data: h264Unit, PTS: pts, DTS: pts, Key: true} }
		tracks := []media.Track{{Kind: codec.Video, Codec: codec.H264}}
		p := st.publish(tracks)
		video := st.watch(p, 0)
		synctest.Wait()
		broken := errors.New("broken pipe")
		for _, from := range []time.Duration{0, 5 * time.Hour} {
			n := 0
			err := l.Run(t.Context(), p, tracks, func() (media.Unit, error) {
				n++
				if n > 2 {
					return media.Unit{}, broken
				}
				time.Sleep(33 * time.Millisecond)
				synctest.Wait()
				return unit(from + time.Duration(n)*time.Second), nil
			})
			if !errors.Is(err, broken) {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		pictures := video.units(false)
		if len(pictures) != 4 {
			t.Fatalf("%d pictures", len(pictures))
		}
		if step := pictures[2].Timestamp - pictures[0].Timestamp; step != 180000+2*2970 {
			t.Errorf("the second input begins %d ticks after the first", step)
		}
		if got := l.Stats()[0]; got.Units != 4 || got.Running {
			t.Errorf("counted %+v", got)
		}
	})
}

// A live input has begun with its first packet, and stays so when another takes its place.
func TestLiveBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, st := feed.NewLive(), newStage(t)
		live(t, l, st, nil, nil)
		live(t, l, st, []time.Duration{time.Second}, []media.Unit{{Track: 0, Key: true}})
		if begun := l.Begun(); !begun.IsZero() {
			t.Errorf("nothing was sent, and it has begun at %v", begun)
		}
		first := time.Now().Add(3 * time.Second)
		at := []time.Duration{3 * time.Second, 4 * time.Second}
		units := []media.Unit{{Track: 0, Data: h264Unit, Key: true}, {Track: 1, Data: []byte{0xfc, 1}, PTS: time.Second, DTS: time.Second, Key: true}}
		live(t, l, st, at, units)
		live(t, l, st, at, units)
		if begun := l.Begun(); !begun.Equal(first) {
			t.Errorf("begun at %v, want %v", begun, first)
		}
	})
}
