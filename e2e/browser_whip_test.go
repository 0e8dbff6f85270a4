//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
	Viewer struct {
		Codecs                 []string
		Width, Lost, KeyFrames int
		Samples, Concealed     float64
		Skew                   *float64 // milliseconds between picture and sound
	}
}

// publishAndPlay has Chromium publish for some seconds.
func publishAndPlay(t *testing.T, codec string, more ...string) relayed {
	t.Helper()
	needs(t, chromium)
	server := start(t, build(t, "0"), "127.0.0.1:0")
	var got relayed
	run(t, "whip.mjs", append([]string{server.base, server.tokens(t)["admin"], codec, "10"}, more...)...).report(t, &got)
	t.Logf("%.1f of %.1f frames a second decoded, first picture after %.0f ms, %d freezes; publisher %+v; viewer %+v",
		got.Decoded, got.Sent, got.Picture, got.Freezes, got.Publisher, got.Viewer)
	return got
}

// judge wants nearly all that was sent to be decoded.
func (r relayed) judge(t *testing.T, codec string) {
	t.Helper()
	if !slices.Contains(r.Viewer.Codecs, "video/"+codec) || !slices.Contains(r.Viewer.Codecs, "audio/opus") {
		t.Errorf("played %q", r.Viewer.Codecs)
	}
	if r.Sent < 10 || r.Decoded < 0.98*r.Sent {
		t.Errorf("%.1f of %.1f frames a second decoded", r.Decoded, r.Sent)
	}
	if r.Viewer.Samples < 9*48000 {
		t.Errorf("%.0f samples of sound", r.Viewer.Samples)
	}
	if r.Publisher.PLIs > 8 {
		t.Errorf("%d key frames were asked for", r.Publisher.PLIs)
	}
}

func TestChromiumPublishes(t *testing.T) {
	for _, codec := range []string{"H264", "VP8", "VP9", "AV1"} {
		t.Run(codec, func(t *testing.T) { publishAndPlay(t, codec).judge(t, codec) })
	}
}

func TestChromiumPublishesLayers(t *testing.T) {
	got := publishAndPlay(t, "VP8", "simulcast")
	got.judge(t, "VP8")
	if got.Publisher.Layers != 3 || got.Viewer.Width != 960 {
		t.Errorf("%d layers were sent; a picture %d wide was played, want 960", got.Publisher.Layers, got.Viewer.Width)
	}
	if os.Getenv("E2E_RECORD_OFFERS") != "" {
		record(t, "chromium-156-simulcast", got.Offer)
	}
}

// record writes an offer into the fixtures of package session.
func record(t *testing.T, name, offer string) {
	t.Helper()
	path := filepath.Join("..", "session", "testdata", "offers", "publish", name+".sdp")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(offer, "\r\n", "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
