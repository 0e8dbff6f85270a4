package whip_test

import (
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
	sent map[string]time.Time // by kind and payload
	last map[string]lap       // by kind
}

type lap struct {
	sent      time.Time
	timestamp uint32 // at the player
}

func newStopwatch() *stopwatch {
	return &stopwatch{sent: map[string]time.Time{}, last: map[string]lap{}}
}

func (w *stopwatch) leaves(kind string, _ int, p *rtp.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[kind+string(p.Payload)] = time.Now()
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
	s, w := newServer(t, serverOptions{}), newStopwatch()
	p := s.publish(t, "live", webrtctest.PublishOptions{})
	feeding(t.Context(), t, p, webrtctest.Feed{OnPacket: w.leaves})
	player := s.play(t, "live", webrtctest.Options{OnPacket: w.comes})
	media(t, player, 180) // six seconds
	audio, video := w.off("audio", 48000, player.Audio().Report), w.off("video", 90000, player.Video().Report)
	if apart := (audio - video).Abs(); apart > 40*time.Millisecond {
		t.Errorf("sound is off by %v, the picture by %v", audio, video)
	}
	t.Logf("sound is off by %v, the picture by %v", audio, video)
}

// A sender report that comes before the first packet holds from the beginning:
// FFmpeg sends no other for five seconds.
func TestEarlySenderReport(t *testing.T) {
	t.Parallel()
	s, w := newServer(t, serverOptions{}), newStopwatch()
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
		t.Errorf("sound is off by %v, the picture by %v; want them %v apart", audio, video, early)
	}
}

// Reports whose timestamps do not run with the media are not believed:
// GStreamer 1.22's whipsink sends such.
func TestReportsThatRunAway(t *testing.T) {
	t.Parallel()
	s, w := newServer(t, serverOptions{}), newStopwatch()
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
		t.Errorf("sound is off by %v, the picture by %v", audio, video)
	}
}
