//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// relayed is what came of Chromium's publishing and another Chromium's playing.
type relayed struct {
	Sent, Decoded float64 // frames a second
	Freezes       int
	Picture       float64 // milliseconds from opening the page
	Offer, Answer string
	Publisher     struct {
		State                        string
		Width, Layers                int
		Bits, RTT                    float64
		KeyFrames, PLIs, NACKs, Loss int
	}
	Viewer viewing
}

// viewing is what a viewer's page tells.
type viewing struct {
	Codecs                 []string
	Width, Lost, KeyFrames int
	Samples, Concealed     float64
}

// seconds is for how long a relayed stream is watched.
func seconds() int {
	if os.Getenv("E2E_SOAK") != "" {
		return 10
	}
	return 5
}

// publishAndPlay has Chromium publish for some seconds.
func publishAndPlay(t *testing.T, codec string, more ...string) relayed {
	t.Helper()
	needs(t, chromium)
	server := start(t, build(t, "0"), "127.0.0.1:0")
	var got relayed
	run(t, "whip.mjs", append([]string{server.base, server.tokens(t)["admin"], codec, strconv.Itoa(seconds())}, more...)...).report(t, &got)
	t.Logf("%.1f of %.1f frames a second decoded, first picture after %.0f ms, %d freezes; publisher %+v; viewer %+v",
		got.Decoded, got.Sent, got.Picture, got.Freezes, got.Publisher, got.Viewer)
	return got
}

// judge wants nearly all that was sent to be decoded.
func (r relayed) judge(tb testing.TB, codec string) {
	tb.Helper()
	if !slices.Contains(r.Viewer.Codecs, "video/"+codec) || !slices.Contains(r.Viewer.Codecs, "audio/opus") {
		tb.Errorf("played %q", r.Viewer.Codecs)
	}
	if r.Sent < 10 || r.Decoded < decodedShare*r.Sent {
		tb.Errorf("%.1f of %.1f frames a second decoded", r.Decoded, r.Sent)
	}
	if r.Viewer.Samples < float64(seconds()-1)*48000 {
		tb.Errorf("%.0f samples of sound", r.Viewer.Samples)
	}
	if r.Publisher.PLIs > 8 {
		tb.Errorf("%d key frames were asked for", r.Publisher.PLIs)
	}
}

func TestChromiumPublishes(t *testing.T) {
	codecs := []string{"H264"}
	if os.Getenv("E2E_SOAK") != "" {
		codecs = append(codecs, "VP8", "VP9", "AV1")
	}
	for _, codec := range codecs {
		t.Run(codec, func(t *testing.T) {
			webrtctest.Tries(t, func(t *webrtctest.Attempt) { publishAndPlay(t.T, codec).judge(t, codec) })
		})
	}
}

// decodedShare is how much of what is sent has to be decoded.
const decodedShare = 0.98

func TestFirefoxPublishes(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("only when E2E_SOAK is set")
	}
	needs(t, firefox)
	webrtctest.Tries(t, func(t *webrtctest.Attempt) { publishAndPlay(t.T, "VP8", "firefox").judge(t, "VP8") })
}

func TestChromiumPublishesLayers(t *testing.T) {
	var got relayed
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		got = publishAndPlay(t.T, "VP8", "simulcast")
		got.judge(t, "VP8")
		if got.Publisher.Layers != 3 || got.Viewer.Width != 960 {
			t.Errorf("%d layers were sent; a picture %d wide was played, want 960", got.Publisher.Layers, got.Viewer.Width)
		}
	})
	if os.Getenv("E2E_RECORD_OFFERS") != "" {
		record(t, "chromium-156-simulcast", got.Offer)
	}
}

// toolPlayed is what a viewer's page decoded of a tool's stream, and what the tool says.
type toolPlayed struct {
	Rate, Picture float64 // frames a second, milliseconds
	Came          float64 // frames a second
	made          float64 // frames a second, by the tool
	Freezes       int
	Viewer        viewing
	offer         string
}

// FFmpeg's WHIP muxer and libdatachannel, which OBS is made of, publish 30 frames a second; Chromium decodes them. OBS's
// H.264 is High whatever it declares.
func TestToolsPublish(t *testing.T) {
	for script, fixture := range map[string]string{"ffmpeg.mjs": "", "datachannel.mjs": "node-datachannel-0.33.4"} {
		t.Run(script, func(t *testing.T) {
			needs(t, chromium)
			var got toolPlayed
			webrtctest.Tries(t, func(t *webrtctest.Attempt) {
				got = playTool(t.T, script)
				sent := 30.0
				if got.made < 29 { // a busy machine's tool
					sent = got.Came
				}
				if got.Rate < decodedShare*sent || got.Viewer.Lost > 0 || !slices.Contains(got.Viewer.Codecs, "video/H264") || got.Viewer.Samples < float64(seconds()-1)*48000 {
					t.Errorf("%.1f of %.1f frames a second decoded, %+v", got.Rate, sent, got.Viewer)
				}
			})
			if os.Getenv("E2E_RECORD_OFFERS") != "" && fixture != "" {
				record(t, fixture, got.offer)
			}
		})
	}
}

// playTool lets a tool publish while Chromium plays.
func playTool(t *testing.T, script string) (got toolPlayed) {
	t.Helper()
	server := start(t, build(t, "0"), "127.0.0.1:0")
	publisher := run(t, script, server.base+"/whip/live", server.tokens(t)["admin"], strconv.Itoa(10+2*seconds()))
	var began struct{ Step, Offer string }
	if publisher.report(t, &began); began.Step != "began" {
		t.Fatalf("%+v", began)
	}
	run(t, "watching.mjs", server.base, "live", strconv.Itoa(seconds())).report(t, &got)
	got.offer = began.Offer
	publisher.proceed(t)
	var ended struct {
		Pictures, Ended int
		Made            float64
	}
	publisher.report(t, &ended)
	got.made = ended.Made
	server.logged(t, `msg="session ended".*reason=(deleted|peer_closed)`)
	t.Logf("%.1f frames a second decoded, first picture after %.0f ms, %d freezes; %+v; the publisher: %+v",
		got.Rate, got.Picture, got.Freezes, got.Viewer, ended)
	return got
}

// record writes an offer into the fixtures.
func record(t *testing.T, name, offer string) {
	t.Helper()
	path := filepath.Join(fixtures, "publish", name+".sdp")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(offer, "\r\n", "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
