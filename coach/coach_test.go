package coach_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/coach"
)

// obs is what OBS sends when it is set up well. It never answers a request for a
// key frame.
func obs() *publisher {
	return &publisher{video: h264(), audio: opus(obsSound), gop: every(50), joins: 7.3, repairs: true}
}

// Each stream has one thing wrong, and gets that finding and no other.
func TestFindings(t *testing.T) {
	distances := []int{20, 75, 31, 88, 42, 60, 25, 90, 33, 70}
	wandering := map[int]bool{}
	for at, i := 0, 0; at < 25*300; i++ {
		at += distances[i%len(distances)]
		wandering[at] = true
	}
	for _, row := range []struct {
		want   string
		track  string
		change func(u *publisher)
		text   string // a part of it
		lasts  float64
	}{
		{"b_frames", "video/H264", func(u *publisher) { u.b = 2 }, "% of the pictures are B-frames", 20},
		{"b_frames", "video/H264", func(u *publisher) { u.b, u.decoded = 2, true }, "% of the pictures are B-frames", 20},
		{"parameter_sets_missing", "video/H264", func(u *publisher) { u.bare = true }, "SPS and PPS", 20},
		{"gop_long", "video/H264", func(u *publisher) { u.gop = every(208) }, "Key frames come 8.3 s apart, and none comes when it is asked for", 60},
		{"gop_long", "video/H264", func(u *publisher) { u.gop = func(int) bool { return false } }, "No key frame has come for", 60},
		{"gop_long", "video/H264", func(u *publisher) { u.gop, u.deaf = every(125), true }, "Key frames come 5.0 s apart, and the publisher cannot be asked for one", 60},
		{"gop_wandering", "video/H264", func(u *publisher) { u.gop = func(n int) bool { return wandering[n] } }, "s and 3.5 s apart: viewers wait", 120},
		{"pli_unanswered", "video/H264", func(u *publisher) { u.gop, u.joins = every(85), 5.7 }, "Key frames come 3.4 s apart", 180},
		{"audio_mono", "audio/opus", func(u *publisher) { u.mono = true }, "100 % of the sound is sent in mono", 20},
		{"packet_loss", "", func(u *publisher) { u.loss = 0.05 }, "of these 100 % came", 60},
		{"nack_unanswered", "", func(u *publisher) { u.loss, u.repairs, u.size = 0.012, false, 8000 }, "but 0 of them came", 60},
		{"clock_drift", "", func(u *publisher) { u.pace = 1.02 }, "2.0 % too fast: in a second there are 1.020 s", 120},
		{"clock_drift", "", func(u *publisher) { u.pace = 0.99 }, "1.0 % too slow: in a second there are 0.990 s", 120},
		{"bit_rate_high", "", func(u *publisher) { u.size = 120_000 }, "more than the limit of 20.0 Mbit/s", 30},
	} {
		t.Run(row.want+" "+row.text, func(t *testing.T) {
			inClass(t, coach.Options{}, func(c *class) {
				t := c.t
				u := obs()
				row.change(u)
				u.publish(t, c.registry)
				u.play(t, seconds(row.lasts))
				synctest.Wait()
				found := c.coach.Findings("test")
				if len(found) != 1 || string(found[0].Code) != row.want || found[0].Track != row.track {
					t.Fatalf("found %+v", found)
				}
				f := found[0]
				if !strings.Contains(f.Text, row.text) || !strings.HasSuffix(f.Text, ".") {
					t.Errorf("text %q, want %q", f.Text, row.text)
				}
				if f.Remedies.OBS == "" || f.Remedies.FFmpeg == "" || f.Remedies.GStreamer == "" {
					t.Errorf("remedies %+v", f.Remedies)
				}
				if f.Since.IsZero() || time.Since(f.Since) < 2*time.Second {
					t.Errorf("since %v", f.Since)
				}
				if want := "finding_raised " + row.want; c.told() != want {
					t.Errorf("told %q, want %q", c.told(), want)
				}
				if n := strings.Count(c.log.String(), "level=WARN"); n != 1 {
					t.Errorf("%d warnings: %s", n, c.log.String())
				}
				t.Log(f.Text)
			})
		})
	}
}

// Streams with nothing wrong have no finding, however long they last.
func TestNoFindings(t *testing.T) {
	for name, u := range map[string]*publisher{
		"OBS": obs(),
		"OBS over a network that loses, repairs and reorders": func() *publisher {
			u := obs()
			u.loss, u.jitter = 0.005, true
			return u
		}(),
		"OBS at a steady 18 Mbit/s": func() *publisher { u := obs(); u.size = 88_000; return u }(),
		"Chromium":                  {video: vp8(), audio: opus("minptime=10;useinbandfec=1"), mono: true, answers: true, joins: 9.1, repairs: true},
		"Chromium, H.264":           {video: h264(), audio: opus("minptime=10;useinbandfec=1"), mono: true, answers: true, joins: 13.7, repairs: true, jitter: true},
		"Chromium that nobody asks": {video: vp8(), audio: opus(""), answers: true},
		"FFmpeg":                    {video: h264(), audio: opus(""), gop: every(50), once: true, deaf: true, joins: 7.3},
		"FFmpeg in stereo":          {video: h264(), audio: opus("sprop-stereo=1"), gop: every(25), deaf: true},
		"sound alone":               {audio: opus(obsSound)},
		"picture alone":             {video: h264(), gop: every(50)},
		"a source of ours":          {video: h264(), audio: opus(""), answers: true, joins: 9.1, unseen: true, size: 120_000},
		"a source of ours that is asked at random": {video: h264(), answers: true, joins: 6.3, random: true, period: 250, unseen: true},
	} {
		t.Run(name, func(t *testing.T) {
			inClass(t, coach.Options{}, func(c *class) {
				t := c.t
				u.publish(t, c.registry)
				lasts := 3 * time.Minute
				if u.size > 0 { // many packets
					lasts = time.Minute
				}
				u.play(t, lasts)
				synctest.Wait()
				if c.told() != "" || c.codes() != "" {
					t.Errorf("told %q, found %q", c.told(), c.codes())
				}
			})
		})
	}
}

// A publisher that answers NACK has no other finding than the loss, and none
// where there is little.
func TestLossThatIsRepaired(t *testing.T) {
	for loss, want := range map[float64]string{0.003: "", 0.05: "packet_loss", 0.15: "packet_loss"} {
		inClass(t, coach.Options{}, func(c *class) {
			t := c.t
			u := obs()
			u.loss = loss
			u.publish(t, c.registry)
			u.play(t, 3*time.Minute)
			if c.codes() != want {
				t.Errorf("loss of %v: found %q, want %q", loss, c.codes(), want)
			}
		})
	}
}

// A finding goes when it has been right for some time, and says so once.
func TestFindingIsCleared(t *testing.T) {
	inClass(t, coach.Options{}, func(c *class) {
		t := c.t
		u := obs()
		u.mono = true
		u.publish(t, c.registry)
		u.play(t, seconds(12))
		u.mono = false
		u.play(t, seconds(5))
		if c.codes() != "audio_mono" {
			t.Errorf("after 5 s: %q", c.codes())
		}
		u.play(t, seconds(12))
		if want := "finding_raised audio_mono, finding_cleared audio_mono"; c.codes() != "" || c.told() != want {
			t.Errorf("after 17 s: %q, told %q", c.codes(), c.told())
		}
	})
}

// A publisher that comes back, or takes its stream over, keeps its findings until
// it has shown better; one that stays away has none.
func TestTakeOver(t *testing.T) {
	inClass(t, coach.Options{}, func(c *class) {
		t := c.t
		u := obs()
		u.b = 2
		for i := range 10 {
			u.publish(t, c.registry)
			u.play(t, seconds(8.5))
			if i%2 == 0 {
				u.publication.Close("unpublished")
				time.Sleep(time.Second)
			}
		}
		if c.told() != "finding_raised b_frames" {
			t.Errorf("told %q", c.told())
		}
		u.b = 0
		u.publish(t, c.registry)
		u.play(t, seconds(17))
		if want := "finding_raised b_frames, finding_cleared b_frames"; c.told() != want || c.codes() != "" {
			t.Errorf("told %q, found %q", c.told(), c.codes())
		}
		u.b = 2
		u.publish(t, c.registry)
		u.play(t, seconds(8))
		u.publication.Close("unpublished")
		time.Sleep(9 * time.Second)
		if c.codes() != "b_frames" {
			t.Errorf("9 s after the end: %q", c.codes())
		}
		time.Sleep(3 * time.Second)
		if c.codes() != "" || !strings.HasSuffix(c.told(), "finding_cleared b_frames") {
			t.Errorf("12 s after the end: %q, told %q", c.codes(), c.told())
		}
	})
}

// Streams too short to judge have no findings.
func TestShortStreams(t *testing.T) {
	inClass(t, coach.Options{}, func(c *class) {
		t := c.t
		u := obs()
		u.b, u.mono, u.bare = 2, true, true
		for range 20 {
			u.publish(t, c.registry)
			u.play(t, seconds(1.9))
			u.publication.Close("unpublished")
			time.Sleep(seconds(0.3))
		}
		if c.told() != "" {
			t.Errorf("told %q", c.told())
		}
	})
}

// Nothing is known any more of a track that is not fed, as after a change of
// codec.
func TestFindingOfAGoneTrack(t *testing.T) {
	inClass(t, coach.Options{}, func(c *class) {
		t := c.t
		u := obs()
		u.b = 2
		u.publish(t, c.registry)
		u.play(t, seconds(10))
		u = &publisher{video: vp8(), answers: true}
		u.publish(t, c.registry)
		u.play(t, seconds(30))
		if c.codes() != "b_frames" {
			t.Errorf("after 30 s: %q", c.codes())
		}
		u.play(t, seconds(40))
		if c.codes() != "" {
			t.Errorf("after 70 s: %q", c.codes())
		}
	})
}

// The limit of the bit rate can be set.
func TestMaxBitRate(t *testing.T) {
	inClass(t, coach.Options{MaxBitRate: 5_000_000}, func(c *class) {
		t := c.t
		u := obs()
		u.size = 30_000
		u.publish(t, c.registry)
		u.play(t, seconds(20))
		if found := c.coach.Findings("test"); len(found) != 1 || !strings.Contains(found[0].Text, "takes 6.1 Mbit/s, more than the limit of 5.0") ||
			!strings.Contains(found[0].Remedies.FFmpeg, "-b:v 4500k") {
			t.Errorf("found %+v", found)
		}
	})
}

// Remedies carry the figures of the stream.
func TestRemediesFit(t *testing.T) {
	inClass(t, coach.Options{}, func(c *class) {
		t := c.t
		u := obs()
		u.gop = every(250)
		u.publish(t, c.registry)
		u.play(t, seconds(60))
		if found := c.coach.Findings("test"); len(found) != 1 || found[0].Remedies.FFmpeg != "-g 50" || found[0].Remedies.OBS == "" {
			t.Errorf("found %+v", found)
		}
	})
}

func TestNewNeedsStreams(t *testing.T) {
	if _, err := coach.New(coach.Options{}); err == nil {
		t.Error("made without a registry")
	}
}
