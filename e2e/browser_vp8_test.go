//go:build e2e

package e2e_test

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"weir/internal/webrtctest"
	"weir/publisher/clip"
)

// Firefox has no H.264 here and gets VP8: the pattern itself where an encoder is built in, else the clip. Beside it a viewer
// with H.264 watches: there are two encoders, and not more.
func TestFirefoxPlaysVP8(t *testing.T) {
	needs(t, firefox)
	got := playVP8(t, func(t *testing.T) (got playedVP8) {
		t.Helper()
		server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, middling(t))
		witness, err := webrtctest.Play(t.Context(), server.base+"/whep/test", webrtctest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		run(t, "firefox.mjs", server.base, strconv.Itoa(vp8Seconds(t, server))).report(t, &got)
		got.learn(t, server, "H264", "VP8")
		if err := witness.Close(); err != nil {
			t.Error(err)
		}
		return got
	})
	got.hasCodec(t, "video/VP8")
	if got.live == (got.Note != "") {
		t.Errorf("live %v; the page's note is %q", got.live, got.Note)
	}
	t.Logf("open to picture %.0f ms", got.OpenToPicture)
}

// playedVP8 is what a player without H.264 reports, and what the source says of it.
type playedVP8 struct {
	played
	live    bool  // an encoder is built in; else it is the clip
	skipped int64 // left out by the source

	// Of libwebrtc in Node alone.
	Video, Title string
	Samples      int
	Deleted      int
}

// learn asks the server what it made, while the source still runs: one encoder of each of these codecs, none of others.
func (p *playedVP8) learn(t *testing.T, server *process, codecs ...string) {
	t.Helper()
	p.live = server.encodes(t, "VP8")
	made := renditions(t, server)
	for codec, r := range made {
		want := 0
		if slices.Contains(codecs, codec) || codec == "opus" {
			want = 1
		}
		if r.Encoders != int64(want) {
			t.Errorf("%d encoders of %s were made, want %d", r.Encoders, codec, want)
		}
	}
	p.skipped = made["VP8"].Skipped
}

// vp8Seconds is for how long the server's VP8 is played: in short no longer than it takes to see that it is live.
func vp8Seconds(t *testing.T, server *process) int {
	t.Helper()
	if os.Getenv("E2E_SOAK") == "" && server.encodes(t, "VP8") {
		return 6
	}
	return 11
}

// playVP8 plays, and judges: 25 pictures a second, whatever the source left out, each readable, in order.
func playVP8(t *testing.T, play func(*testing.T) playedVP8) (got playedVP8) {
	t.Helper()
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		got = play(t.T)
		if got.FPS < 25 || got.FPS > 31 {
			t.Errorf("%.1f fps, want 25 or more; %d were left out by the source", got.FPS, got.skipped)
		}
		if got.Unreadable != 0 || len(got.Numbers) < 60 {
			t.Errorf("%d frames, %d unreadable", len(got.Numbers), got.Unreadable)
		}
		if got.PacketsLost != 0 {
			t.Errorf("%d packets lost", got.PacketsLost)
		}
		var missing int64
		if got.live {
			if got.Live != len(got.Numbers) {
				t.Errorf("%d of %d say that they are live", got.Live, len(got.Numbers))
			}
			missing = got.missing(t, 0)
		} else {
			missing = judgeClip(t, got.played)
		}
		t.Logf("%.1f fps; %d pictures were read, %d were not shown or not looked at, %d looked at twice; the source left out %d",
			got.FPS, len(got.Numbers), missing, got.Again, got.skipped)
	})
	return got
}

// Libwebrtc in Node plays what is encoded, or the recorded clip, going round, where no encoder is built in.
func TestNodePlaysVP8(t *testing.T) {
	needs(t)
	t.Run("live", func(t *testing.T) {
		t.Parallel()
		if got := playInNode(t, "1"); got.live != (got.Title == "") {
			t.Errorf("live %v, title %q", got.live, got.Title)
		}
	})
	t.Run("clip", func(t *testing.T) {
		t.Parallel()
		if got := playInNode(t, "0"); got.live || got.Title == "" {
			t.Errorf("live %v, title %q", got.live, got.Title)
		}
	})
}

// Without an encoder Firefox gets the recorded VP8, going round, and the page says so.
func TestVP8ClipInFirefox(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("differs from Node by its page alone: only when E2E_SOAK is set")
	}
	needs(t, firefox)
	got := playVP8(t, func(t *testing.T) (got playedVP8) {
		t.Helper()
		run(t, "firefox.mjs", start(t, build(t, "0"), "127.0.0.1:0").base, "11").report(t, &got)
		return got
	})
	got.hasCodec(t, "video/VP8")
	if got.Note == "" {
		t.Error("the page does not say that a clip stands in")
	}
}

// playInNode plays with libwebrtc in Node, from a server with or without encoders.
func playInNode(t *testing.T, cgo string) playedVP8 {
	t.Helper()
	seconds := 0
	got := playVP8(t, func(t *testing.T) (got playedVP8) {
		t.Helper()
		env := []string{withAdmin}
		if cgo == "1" { // without an encoder there is no pattern to make smaller
			env = append(env, middling(t))
		}
		server := start(t, build(t, cgo), "127.0.0.1:0", env...)
		seconds = vp8Seconds(t, server)
		run(t, "wrtc.mjs", server.base, strconv.Itoa(seconds)).report(t, &got)
		got.learn(t, server, "VP8")
		return got
	})
	if got.Video != "VP8" {
		t.Errorf("video %q", got.Video)
	}
	if got.Samples < (seconds-1)*48000 {
		t.Errorf("%d samples of sound in %d s", got.Samples, seconds)
	}
	if got.Deleted != 200 {
		t.Errorf("DELETE: %d", got.Deleted)
	}
	return got
}

// judgeClip wants the recorded clip, going round, and returns how many of its pictures are missing.
func judgeClip(tb testing.TB, got played) int64 {
	tb.Helper()
	if got.Live != 0 {
		tb.Errorf("%d pictures of the clip say that they are live", got.Live)
	}
	wrapped := false
	for i, number := range got.Numbers {
		wrapped = wrapped || i > 0 && number < got.Numbers[i-1]
	}
	if !wrapped {
		tb.Error("the clip did not go round")
	}
	return got.missing(tb, clip.Frames)
}
