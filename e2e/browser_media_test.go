//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/publisher/clip"
)

const (
	chromium = "chromium"
	firefox  = "firefox-esr"
)

// played is what a player reports of the pattern's blocks.
type played struct {
	Numbers       []int64 // of the frames, in the order they came
	Unreadable    int
	Again         int // looked at twice; not among the numbers
	Live          int // frames whose clock is live
	FPS           float64
	PacketsLost   int
	Codecs        []string
	FramesDropped int     // by the player
	OpenToPicture float64 // milliseconds
	Note          string
}

// missing returns how many numbers are not there between the first and the last, and fails where they do not increase;
// with a length, modulo that.
func (p played) missing(tb testing.TB, length int64) int64 {
	tb.Helper()
	var missing int64
	for i, number := range p.Numbers {
		if i == 0 {
			continue
		}
		step := number - p.Numbers[i-1]
		if length > 0 && step < 0 {
			step += length
		}
		if step < 1 || length > 0 && step > length/2 {
			tb.Errorf("frame %d: number %d after %d", i, number, p.Numbers[i-1])
		}
		missing += max(step-1, 0)
	}
	return missing
}

func (p played) hasCodec(tb testing.TB, want string) {
	tb.Helper()
	if !slices.Contains(p.Codecs, want) {
		tb.Errorf("played %q, want %s", p.Codecs, want)
	}
}

// chromiumPlayed is what Chromium reports of 300 frames, and what the source left out meanwhile.
type chromiumPlayed struct {
	played
	From, To                     int64   // Unix milliseconds of the first and the last frame
	DecodedLatency, ShownLatency float64 // milliseconds, medians
	Tones                        [2]struct{ Hertz, Separation float64 }
	skipped                      int64
}

func TestChromiumPlaysH264(t *testing.T) {
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", middling(t))
	webrtctest.Tries(t, func(t *webrtctest.Attempt) { playInChromium(t.T, server).judge(t) })
}

// judge wants each frame that the source made, read and in order, soon after it was drawn.
func (p chromiumPlayed) judge(tb testing.TB) {
	tb.Helper()
	if n := len(p.Numbers); n > 0 && p.skipped > (p.Numbers[n-1]-p.Numbers[0]+1)/100 {
		tb.Errorf("the source left out %d frames", p.skipped)
	}
	p.hasCodec(tb, "video/H264")
	if len(p.Numbers) != 300 || p.Unreadable != 0 || p.Live != 300 {
		tb.Errorf("%d frames, %d unreadable, %d live", len(p.Numbers), p.Unreadable, p.Live)
	}
	missing := p.missing(tb, 0)
	if missing > p.skipped+3 {
		tb.Errorf("%d frames are missing, the source left out %d; the player dropped %d", missing, p.skipped, p.FramesDropped)
	}
	if p.PacketsLost != 0 {
		tb.Errorf("%d packets lost", p.PacketsLost)
	}
	if p.ShownLatency > 100 || p.ShownLatency <= 0 {
		tb.Errorf("glass to glass %.0f ms, want at most 100", p.ShownLatency)
	}
	judgeTones(tb, p.Tones)
	tb.Logf("open to picture %.0f ms; latency p50 decoded %.0f ms, shown %.0f ms; %d frames missing, %d left out by the source",
		p.OpenToPicture, p.DecodedLatency, p.ShownLatency, missing, p.skipped)
}

// playInChromium plays 300 frames with a witness beside, who sees what the source left out.
func playInChromium(t *testing.T, server *process) chromiumPlayed {
	t.Helper()
	var got chromiumPlayed
	witness, err := webrtctest.Play(t.Context(), server.base+"/whep/test", webrtctest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run(t, "h264.mjs", server.base, "300").report(t, &got)
	got.skipped = leftOut(t, witness, time.UnixMilli(got.From), time.UnixMilli(got.To))
	if err := witness.Close(); err != nil {
		t.Error(err)
	}
	return got
}

// leftOut returns how many pictures the source left out around a span of time, as another viewer saw it: the timestamps
// of a picture that was never sent are missing from a line that has lost no packet.
func leftOut(t *testing.T, witness *webrtctest.Player, from, to time.Time) int64 {
	t.Helper()
	const step = 90000 / 30 // RTP clock units
	if stats := witness.Video(); stats.Codec != "H264" || stats.Missing != 0 {
		t.Errorf("the witness sees %s and misses %d packets", stats.Codec, stats.Missing)
	}
	var last webrtctest.Frame
	var skipped int64
	for _, frame := range witness.VideoFrames() {
		// A frame is in the player's hands some milliseconds after it was sent.
		if frame.At.Before(from.Add(-time.Second)) || frame.At.After(to) {
			continue
		}
		if last.Packets > 0 {
			skipped += int64(frame.Timestamp-last.Timestamp)/step - 1
		}
		last = frame
	}
	if last.Packets == 0 {
		t.Error("the witness saw no frame meanwhile")
	}
	return skipped
}

// judgeTones wants 440 Hz on the left and 880 Hz on the right, each without the other.
func judgeTones(tb testing.TB, tones [2]struct{ Hertz, Separation float64 }) {
	tb.Helper()
	for channel, want := range []float64{440, 880} {
		if got := tones[channel]; math.Abs(got.Hertz-want) > 5 || got.Separation < 30 {
			tb.Errorf("channel %d: %.0f Hz, %.0f dB over the other tone; want %.0f Hz", channel, got.Hertz, got.Separation, want)
		}
	}
}

// In short it does not go round; see TestNodePlaysVP8.
func TestChromiumPlaysClipWithoutCgo(t *testing.T) {
	needs(t, chromium)
	server := start(t, build(t, "0"), "127.0.0.1:0")
	frames := 130
	if os.Getenv("E2E_SOAK") != "" {
		frames = clip.Frames + 30
	}
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		var got chromiumPlayed
		run(t.T, "h264.mjs", server.base, strconv.Itoa(frames)).report(t.T, &got)
		got.hasCodec(t, "video/H264")
		if len(got.Numbers) != frames || got.Unreadable != 0 || got.Live != 0 {
			t.Errorf("%d frames, %d unreadable, %d say that they are live", len(got.Numbers), got.Unreadable, got.Live)
		}
		if missing := got.missing(t, clip.Frames); missing > 6 {
			t.Errorf("%d frames are missing", missing)
		}
		if got.PacketsLost != 0 {
			t.Errorf("%d packets lost", got.PacketsLost)
		}
		judgeTones(t, got.Tones)
		t.Logf("open to picture %.0f ms", got.OpenToPicture)
	})
}

// encodes tells whether the program has an encoder for the codec.
func (p *process) encodes(t *testing.T, codec string) bool {
	t.Helper()
	var version struct{ Encoders []string }
	ask(t, p.base+"/api/v1/version", "", &version)
	return slices.ContainsFunc(version.Encoders, func(name string) bool { return strings.HasPrefix(name, codec+" ") })
}

type rendition struct {
	Codec             string
	Encoders, Skipped int64
}

// renditions are those of the source of the stream "test", by codec.
func renditions(t *testing.T, server *process) map[string]rendition {
	t.Helper()
	var answer struct {
		Source struct{ Renditions []rendition }
	}
	ask(t, server.base+"/api/v1/streams/test", adminToken, &answer)
	made := map[string]rendition{}
	for _, r := range answer.Source.Renditions {
		made[r.Codec] = r
	}
	if len(made) != 3 {
		t.Errorf("renditions %v", made)
	}
	return made
}

// ask reads a JSON answer of the API.
func ask(t *testing.T, url, token string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(json.NewDecoder(reply.Body).Decode(into), reply.Body.Close()); err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, reply.StatusCode, err)
	}
}

// TestModules tests what whep.js does with text, and whip.js against a server that misbehaves, without a browser.
func TestModules(t *testing.T) {
	t.Parallel()
	needs(t)
	out, err := exec.CommandContext(t.Context(), "node", "--test", filepath.Join("page", "whep.test.mjs"), filepath.Join("page", "whip.test.mjs")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// fixtures is where recorded offers lie.
var fixtures = filepath.Join("..", "session", "negotiate", "testdata", "offers")

// TestRecordOffers writes what the browsers offer by way of whep.js into those fixtures. It is asked for by name, with
// E2E_RECORD_OFFERS=1, after a change of browsers.
func TestRecordOffers(t *testing.T) {
	if os.Getenv("E2E_RECORD_OFFERS") == "" {
		t.Skip("records fixtures only when E2E_RECORD_OFFERS is set")
	}
	needs(t, chromium, firefox)
	server := start(t, build(t, "1"), "127.0.0.1:0")
	for browser, file := range map[string]string{"chromium": "chromium-156-whep.js.sdp", "firefox": "firefox-esr-153-whep.js.sdp"} {
		var got struct{ Offer, Version string }
		run(t, "offer.mjs", browser, server.base).report(t, &got)
		if err := os.WriteFile(filepath.Join(fixtures, file), []byte(got.Offer), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", file, got.Version)
	}
}
