package whip_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/internal/webrtctest"
	"weir/internal/wishtest"
)

// A stopwatch knows when packets were sent, and under which timestamp the newest
// of them came to a player.
type stopwatch struct {
	mu sync.Mutex
	// guarded by mu
	sent map[string]time.Time     // by kind and payload
	last map[string]lap           // by kind
	late [2]time.Duration         // how long behind its timestamp the promptest and the latest packet left
	zero map[string]time.Duration // the timestamp of a kind's first packet
	from time.Time                // when the first packet left
}

type lap struct {
	sent      time.Time
	timestamp uint32 // at the player
}

func newStopwatch() *stopwatch {
	return &stopwatch{sent: map[string]time.Time{}, last: map[string]lap{}, zero: map[string]time.Duration{}}
}

func (w *stopwatch) leaves(kind string, _ int, p *rtp.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.sent[kind+string(p.Payload)] = now
	rate := map[string]uint64{"audio": 48000, "video": 90000}[kind]
	at := time.Duration(uint64(p.Timestamp) * uint64(time.Second) / rate)
	if w.from.IsZero() {
		w.from = now
	}
	if _, ok := w.zero[kind]; !ok {
		w.zero[kind] = at
	}
	late := now.Sub(w.from) - (at - w.zero[kind])
	w.late[0], w.late[1] = min(w.late[0], late), max(w.late[1], late)
}

// hurried says that packets left so late that the machine was too busy for what is looked at: the publisher's reports tell
// when the packet before them left.
func (w *stopwatch) hurried() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.late[1]-w.late[0] > 20*time.Millisecond
}

// unhurried tries once more, at most thrice in all, where the machine was too busy: that proves nothing about the server. A
// try says what is wrong.
func unhurried(t *testing.T, try func(w *stopwatch) string) {
	t.Helper()
	for range 3 {
		w := newStopwatch()
		wrong := try(w)
		if wrong == "" {
			return
		}
		if !w.hurried() {
			t.Error(wrong)
			return
		}
		t.Logf("the machine is busy: %s", wrong)
	}
	t.Error("the machine was too busy each time")
}

func (w *stopwatch) comes(kind string, p *rtp.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, ok := w.sent[kind+string(p.Payload)]; ok {
		w.last[kind] = lap{sent: at, timestamp: p.Timestamp}
	}
}

// off is by how much the time that our sender reports give a packet is later
// than the moment of its sending.
func (w *stopwatch) off(kind string, rate float64, report *rtcp.SenderReport) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	ticks := int32(w.last[kind].timestamp - report.RTPTime)
	return fromNTP(report.NTPTime).Add(time.Duration(float64(ticks) / rate * float64(time.Second))).Sub(w.last[kind].sent)
}

const from1900 = 2208988800 // seconds to 1970

func fromNTP(t uint64) time.Time {
	return time.Unix(int64(t>>32)-from1900, int64(t&0xffffffff*uint64(time.Second)>>32))
}

func toNTP(t time.Time) uint64 {
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// Sound and picture stay together: the time that our sender reports give a
// packet is as far from the moment of its sending for both.
func TestSync(t *testing.T) {
	t.Parallel()
	unhurried(t, func(w *stopwatch) string {
		s := newServer(t, serverOptions{})
		p := s.publish(t, "live", webrtctest.PublishOptions{})
		feeding(t.Context(), t, p, webrtctest.Feed{OnPacket: w.leaves})
		player := s.play(t, "live", webrtctest.Options{OnPacket: w.comes})
		media(t, player, 180) // six seconds
		audio, video := w.off("audio", 48000, player.Audio().Report), w.off("video", 90000, player.Video().Report)
		t.Logf("sound is off by %v, the picture by %v", audio, video)
		if apart := (audio - video).Abs(); apart > 40*time.Millisecond {
			return fmt.Sprintf("sound and picture are %v apart", apart)
		}
		return ""
	})
}

// A sender report that comes before the first packet holds from the beginning:
// FFmpeg sends no other for five seconds.
func TestEarlySenderReport(t *testing.T) {
	t.Parallel()
	unhurried(t, func(w *stopwatch) string { return earlyReport(t, w) })
}

func earlyReport(t *testing.T, w *stopwatch) string {
	t.Helper()
	s := newServer(t, serverOptions{})
	p := s.publish(t, "live", webrtctest.PublishOptions{NoReports: true})
	if err := p.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The picture was captured 300 ms before the sound that is sent with it.
	const early = 300 * time.Millisecond
	now := time.Now()
	for _, sender := range p.PeerConnection().GetSenders() {
		report := &rtcp.SenderReport{SSRC: uint32(sender.GetParameters().Encodings[0].SSRC), NTPTime: toNTP(now), RTPTime: webrtctest.FirstAudio}
		if sender.Track().Kind().String() == "video" {
			report.NTPTime, report.RTPTime = toNTP(now.Add(-early)), webrtctest.FirstVideo
		}
		if err := p.PeerConnection().WriteRTCP([]rtcp.Packet{report}); err != nil {
			t.Fatal(err)
		}
	}
	feeding(t.Context(), t, p, webrtctest.Feed{OnPacket: w.leaves})
	player := s.play(t, "live", webrtctest.Options{OnPacket: w.comes})
	webrtctest.Until(t, wishtest.Soon, func() string {
		if player.Audio().Report == nil || player.Video().Report == nil {
			return "sender reports"
		}
		return ""
	})
	media(t, player, 5)
	audio, video := w.off("audio", 48000, player.Audio().Report), w.off("video", 90000, player.Video().Report)
	if apart := audio - video; (apart - early).Abs() > 40*time.Millisecond {
		return fmt.Sprintf("sound is off by %v, the picture by %v; want them %v apart", audio, video, early)
	}
	return ""
}

// Reports whose timestamps do not run with the media are not believed:
// GStreamer 1.22's whipsink sends such.
func TestReportsThatRunAway(t *testing.T) {
	t.Parallel()
	unhurried(t, func(w *stopwatch) string { return runaway(t, w) })
}

func runaway(t *testing.T, w *stopwatch) string {
	t.Helper()
	s := newServer(t, serverOptions{})
	p := s.publish(t, "live", webrtctest.PublishOptions{NoReports: true})
	feeding(t.Context(), t, p, webrtctest.Feed{OnPacket: w.leaves})
	player := s.play(t, "live", webrtctest.Options{OnPacket: w.comes})
	start := time.Now()
	for n := range 4 {
		media(t, player, min(2+15*n, 15))
		passed := time.Since(start)
		for _, sender := range p.PeerConnection().GetSenders() {
			report := &rtcp.SenderReport{SSRC: uint32(sender.GetParameters().Encodings[0].SSRC), NTPTime: toNTP(time.Now())}
			if sender.Track().Kind().String() == "video" {
				report.RTPTime = webrtctest.FirstVideo + uint32(2*passed.Seconds()*90000)
			} else {
				report.RTPTime = webrtctest.FirstAudio + uint32(2*passed.Seconds()*48000)
			}
			if err := p.PeerConnection().WriteRTCP([]rtcp.Packet{report}); err != nil {
				t.Fatal(err)
			}
		}
	}
	media(t, player, 40) // another report of ours
	audio, video := w.off("audio", 48000, player.Audio().Report), w.off("video", 90000, player.Video().Report)
	if audio.Abs() > 200*time.Millisecond || video.Abs() > 200*time.Millisecond || (audio-video).Abs() > 40*time.Millisecond {
		return fmt.Sprintf("sound is off by %v, the picture by %v", audio, video)
	}
	return ""
}
