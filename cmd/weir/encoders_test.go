package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"weir/internal/webrtctest"
	"weir/publisher/device"
)

// Without an encoder for VP8, a player without H.264 gets the clip, and is told so.
func TestWithoutVPXTheClipStandsIn(t *testing.T) {
	missing := device.MissingVP8()
	if missing == nil {
		t.Skip("an encoder for VP8 is built in")
	}
	p := start(t)
	player := p.watch(t, webrtctest.Options{Codecs: []string{"VP8"}})
	if got := player.Video().Codec; got != "VP8" {
		t.Errorf("codec %q", got)
	}
	if !strings.Contains(player.Answer(), "\r\ni=Recorded clip") {
		t.Errorf("the answer does not say that the clip is recorded:\n%s", player.Answer())
	}
	if log := p.stderr.String(); !strings.Contains(log, "clip") || !strings.Contains(log, missing.Error()) {
		t.Errorf("the log does not say that the clip is recorded and why:\n%s", log)
	}
	if device.Missing() == nil {
		live := p.watch(t, webrtctest.Options{})
		if got := live.Video().Codec; got != "H264" || strings.Contains(live.Answer(), "\r\ni=") {
			t.Errorf("codec %q, answer\n%s", got, live.Answer())
		}
	}
}

// running is what the API shows of the renditions of the stream "test": how many
// encoders were made for each codec.
func (p *program) encoders(t *testing.T) map[string]int {
	t.Helper()
	r := newRequest(t, http.MethodGet, p.url+"/api/v1/streams/test", "")
	r.Header.Set("Authorization", "Bearer "+adminToken)
	status, body := exchange(t, r)
	var answer struct {
		Source struct {
			Renditions []struct {
				Codec    string
				Encoders int
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	made := map[string]int{}
	for _, r := range answer.Source.Renditions {
		made[r.Codec] = r.Encoders
	}
	return made
}

// Viewers with H.264 and viewers without, at once: one live encoder for each codec, started by the first who needs it.
func TestOneEncoderForEachCodec(t *testing.T) {
	if err := device.MissingVP8(); err != nil {
		t.Skip(err)
	}
	p := startWith(t, newOutput(), []string{"WEIR_ADMIN_TOKEN=" + adminToken})
	want := map[string]int{"H264": 0, "VP8": 0, "opus": 0}
	check := func(when string) {
		t.Helper()
		for codec, n := range p.encoders(t) {
			if n != want[codec] {
				t.Errorf("%s: %d encoders of %s, want %d", when, n, codec, want[codec])
			}
		}
	}
	check("nobody watches")
	for _, codecs := range [][]string{{"VP8"}, {"VP8", "H264"}, {"VP8"}, {"H264"}} {
		player := p.watch(t, webrtctest.Options{Codecs: codecs})
		codec := codecs[len(codecs)-1] // H.264 where it is offered, though not first
		want[codec], want["opus"] = 1, 1
		if got := player.Video(); got.Codec != codec || !got.FirstKey || got.Missing > 0 {
			t.Errorf("offered %v: %+v", codecs, got)
		}
		if strings.Contains(player.Answer(), "\r\ni=") {
			t.Errorf("offered %v, the answer has a title:\n%s", codecs, player.Answer())
		}
		check(strings.Join(codecs, ","))
	}
	if log := p.stderr.String(); !strings.Contains(log, "VP8 (libvpx)") {
		t.Errorf("the log does not tell of the encoder:\n%s", log)
	}
	if _, body := exchange(t, newRequest(t, http.MethodGet, p.url+"/api/v1/version", "")); !strings.Contains(body, "VP8 (libvpx)") {
		t.Errorf("version: %s", body)
	}
}
