//go:build e2e && !race

package main

import (
	"bytes"
	"context"
	"hash/maphash"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"

	"weir/internal/webrtctest"
	"weir/session/ingress"
	"weir/stream"
)

// The publishers, by the scripts that run them and what follows the endpoint's arguments.
var publishers = []struct {
	name, codec string
	always      bool // not only with E2E_SOAK=1
	script      []string
}{
	{"FFmpeg", "H264", true, []string{"ffmpeg.mjs", "ENDPOINT", "TOKEN", "60"}},
	{"libdatachannel", "H264", false, []string{"datachannel.mjs", "ENDPOINT", "TOKEN", "60"}},
	{"Chromium H264", "H264", false, []string{"whip.mjs", "BASE", "TOKEN", "H264", "60"}},
	{"Chromium VP8", "VP8", false, []string{"whip.mjs", "BASE", "TOKEN", "VP8", "60"}},
	{"Chromium VP9", "VP9", false, []string{"whip.mjs", "BASE", "TOKEN", "VP9", "60"}},
	{"Chromium AV1", "AV1", false, []string{"whip.mjs", "BASE", "TOKEN", "AV1", "60"}},
	{"Firefox VP8", "VP8", false, []string{"whip.mjs", "BASE", "TOKEN", "VP8", "60", "firefox"}},
}

// Sound and picture stay together: for the same packets the time by the publisher's sender reports less the time by ours
// is the same for both, within 40 ms.
func TestSoundAndPictureStayTogether(t *testing.T) {
	if _, err := os.Stat("../../e2e/node_modules"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("missing: npm packages (npm ci in e2e)")
		}
		t.Skip("missing: npm packages (npm ci in e2e)")
	}
	for _, p := range publishers {
		if !p.always && os.Getenv("E2E_SOAK") == "" {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			s := startServer(t)
			s.publish(t, p.script)
			s.judgeSkews(t, p.codec)
		})
	}
}

func (c *crowd) judgeSkews(t *testing.T, codec string) {
	t.Helper()
	webrtctest.Tries(t, func(t *webrtctest.Attempt) { c.judgeSkewsOnce(t, codec) })
}

func (c *crowd) judgeSkewsOnce(t *webrtctest.Attempt, codec string) {
	const apart = 40 * time.Millisecond
	for i, skew := range c.skews(t.T, codec) {
		if skew > apart || skew < -apart {
			t.Errorf("%d s after the first picture sound and picture are %v apart", i+5, skew)
		}
	}
}

// publish runs a script until the test ends.
func (c *crowd) publish(t *testing.T, script []string) {
	t.Helper()
	base := "http://" + c.listener.Addr().String()
	words := map[string]string{"BASE": base, "ENDPOINT": base + "/whip/live", "TOKEN": crowdToken}
	args := []string{filepath.Join("..", "..", "e2e", "page", script[0])}
	for _, word := range script[1:] {
		if value, ok := words[word]; ok {
			word = value
		}
		args = append(args, word)
	}
	c.publishBy(t, "node", args...)
}

// publishBy runs a program until the test ends, and waits until it publishes.
func (c *crowd) publishBy(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	var out bytes.Buffer
	program := exec.CommandContext(ctx, name, args...)
	program.Stdout, program.Stderr = &out, &out
	program.Cancel = func() error { return program.Process.Signal(syscall.SIGTERM) }
	program.WaitDelay = 10 * time.Second
	for _, variable := range os.Environ() { // or GStreamer asks a proxy
		if name, _, _ := strings.Cut(variable, "="); !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			program.Env = append(program.Env, variable)
		}
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = program.Wait() // it is judged by what came of it
		if t.Failed() {
			t.Logf("%s: %s", args[0], &out)
		}
	})
	if err := webrtctest.Wait(ctx, func() string {
		if s, ok := c.registry.Find("live"); ok {
			for _, track := range s.Tracks() {
				if track.Stats().KeyFrames > 0 {
					return ""
				}
			}
		}
		return "a key frame"
	}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
}

// A pair is one packet's timestamp at the publisher and at a player.
type pair struct{ publisher, player uint32 }

// skews plays for seven seconds, in the soak for ten, and says each second from the fifth on how far sound and picture are moved apart.
func (c *crowd) skews(t *testing.T, codec string) []time.Duration {
	t.Helper()
	live, _ := c.registry.Find("live")
	seed := maphash.MakeSeed()
	type sight struct {
		kind      string
		hash      uint64
		timestamp uint32
		player    bool
	}
	sights := make(chan sight, 1<<16)
	for _, track := range live.Tracks() {
		kind := track.Kind().String()
		stop := track.Observe(func(_ *stream.Publication, _ time.Time, p *rtp.Packet) {
			sights <- sight{kind, maphash.Bytes(seed, p.Payload), p.Timestamp, false}
		})
		defer stop()
	}
	player, err := webrtctest.Play(t.Context(), "http://"+c.listener.Addr().String()+"/whep/live", webrtctest.Options{
		Codecs: []string{codec},
		OnPacket: func(kind string, p *rtp.Packet) {
			sights <- sight{kind, maphash.Bytes(seed, p.Payload), p.Timestamp, true}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := player.Close(); err != nil {
			t.Error(err)
		}
	}()
	newest, sent := map[string]pair{}, map[string]map[uint64]uint32{"audio": {}, "video": {}}
	var skews []time.Duration
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	most := 7
	if os.Getenv("E2E_SOAK") != "" {
		most = 10
	}
	for seconds := 0; seconds < most; {
		select {
		case s := <-sights:
			if !s.player {
				sent[s.kind][s.hash] = s.timestamp
			} else if timestamp, ok := sent[s.kind][s.hash]; ok {
				newest[s.kind] = pair{timestamp, s.timestamp}
			}
		case <-tick.C:
			if seconds++; seconds < 5 {
				continue
			}
			audio := c.moved(t, "audio", 48000, newest["audio"], player.Audio())
			video := c.moved(t, "video", 90000, newest["video"], player.Video())
			skews = append(skews, audio-video)
		}
	}
	t.Logf("sound less picture from the fifth second on: %v", skews)
	return skews
}

// moved is the time of a packet by the publisher's sender reports less that by ours.
func (c *crowd) moved(t *testing.T, kind string, rate float64, p pair, at webrtctest.Stats) time.Duration {
	t.Helper()
	for _, s := range c.sessions.Sessions() {
		if s.Protocol() != "whip" {
			continue
		}
		for _, m := range s.Stats().Media {
			if m.Kind != kind {
				continue
			}
			if m.Received.Clock == (ingress.Clock{}) || at.Report == nil || p == (pair{}) {
				t.Fatalf("%s: no sender report or packet: %+v, %+v, %+v", kind, m.Received, at, p)
			}
			publisher := ntp(m.Received.Clock.NTP) + ticks(p.publisher-m.Received.Clock.RTP, rate)
			return publisher - ntp(at.Report.NTPTime) - ticks(p.player-at.Report.RTPTime, rate)
		}
	}
	t.Fatalf("nobody publishes %s any more", kind)
	return 0
}

// ntp is the time since 1970.
func ntp(t uint64) time.Duration {
	const from1900 = 2208988800
	return time.Duration(t>>32-from1900)*time.Second + time.Duration(t&0xffffffff*uint64(time.Second)>>32)
}

func ticks(n uint32, rate float64) time.Duration {
	return time.Duration(float64(int32(n)) / rate * float64(time.Second))
}
