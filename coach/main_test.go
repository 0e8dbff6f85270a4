package coach_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/coach"
	"weir/internal/codec"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A publisher as the coach sees it: 25 pictures a second and sound in packets of
// 20 ms, over a way that loses and delays.
type publisher struct {
	video, audio codec.Format // zero: none

	gop     func(picture int) bool // a key frame; nil: the first picture, and those asked for
	bare    bool                   // parameter sets never come
	once    bool                   // they come with the first key frame only
	b       int                    // of b+1 pictures b are B-pictures
	decoded bool                   // timestamps are of decoding, not of showing
	size    int                    // of a picture, bytes; 0: 1,000
	mono    bool
	pace    float64 // seconds of media in a second; 0: 1

	deaf    bool    // no key frame can be asked for
	answers bool    // one comes when it is asked for
	joins   float64 // seconds between requests for one; 0: nobody asks
	random  bool    // requests come at other distances each time, up to twice as far apart
	period  int     // pictures after the last key frame the next comes unasked; 0: never
	loss    float64 // part of the packets that get lost
	repairs bool    // they come again when they are asked for
	jitter  bool    // packets come out of order
	unseen  bool    // there is no report: it is a source of our own

	mu     sync.Mutex
	report stream.PublisherReport // guarded by mu

	publication *stream.Publication
	rng         *rand.Rand
	started     time.Time
	picture     int
	wanted      bool // a key frame
	numbers     map[*stream.Track]*uint16
	later       []delayed
	lastJoin    time.Duration
	asked       int // requests for a key frame
	lastKey     int // the picture that was one
}

// delayed is a packet on its way, or a lost one that will be given up: packet nil.
type delayed struct {
	at     time.Time
	track  *stream.Track
	packet *rtp.Packet
}

func h264() codec.Format {
	return codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}
}
func vp8() codec.Format { return codec.Format{Name: codec.VP8, ClockRate: 90000} }
func opus(fmtp string) codec.Format {
	return codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2, Fmtp: fmtp}
}

const obsSound = "minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1"

// every makes each nth picture a key frame.
func every(n int) func(int) bool { return func(picture int) bool { return picture%n == 0 } }

// publish begins.
func (u *publisher) publish(t *testing.T, r *stream.Registry) {
	t.Helper()
	u.rng = rand.New(rand.NewPCG(1, 2))
	u.numbers = map[*stream.Track]*uint16{}
	u.started, u.picture, u.lastJoin, u.wanted = time.Now(), 0, 0, true
	u.asked, u.lastKey = 0, 0
	u.count(func(r *stream.PublisherReport) { *r = stream.PublisherReport{KeyFrameFeedback: !u.deaf} }) // an older publication may be asked still
	o := stream.PublishOptions{By: "me", Alternatives: true}
	if !u.unseen {
		o.Report = func() stream.PublisherReport {
			u.mu.Lock()
			defer u.mu.Unlock()
			return u.report
		}
	}
	for _, f := range []codec.Format{u.video, u.audio} {
		if f.Name != "" {
			o.Specs = append(o.Specs, stream.Spec{Format: f})
		}
	}
	var err error
	if u.publication, err = r.PublishWith("test", o); err != nil {
		t.Fatal(err)
	}
	for _, track := range u.publication.Tracks() {
		u.numbers[track] = new(uint16(u.rng.Uint32()))
	}
}

// play sends for so long.
func (u *publisher) play(t *testing.T, d time.Duration) {
	t.Helper()
	const tick = 20 * time.Millisecond
	for range d / tick {
		u.ask()
		for i, track := range u.publication.Tracks() {
			switch {
			case track.Kind() == codec.Audio:
				u.sendAudio(track)
			case time.Since(u.started).Round(tick)/tick%2 == 0:
				u.sendVideo(t, u.publication.Tracks()[i])
			}
		}
		u.deliver()
		time.Sleep(tick)
	}
}

// ask asks for key frames as viewers do who join.
func (u *publisher) ask() {
	passed := time.Since(u.started)
	joins := u.joins
	if u.random {
		joins *= []float64{0.3, 1.8, 0.6, 1.2, 2}[u.asked%5]
	}
	if u.joins > 0 && (passed-u.lastJoin).Seconds() >= joins {
		u.lastJoin = passed
		u.asked++
		for _, track := range u.publication.Tracks() {
			if track.Kind() == codec.Video {
				track.RequestKeyFrame()
			}
		}
	}
	select {
	case <-u.publication.KeyFrameWanted():
		u.wanted = u.wanted || u.answers
		if !u.deaf {
			u.count(func(r *stream.PublisherReport) { r.KeyFramesAsked++ })
		}
	default:
	}
}

func (u *publisher) count(f func(*stream.PublisherReport)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f(&u.report)
}

// media is how much media there is by now, in clock rate units.
func (u *publisher) media(rate uint32) uint32 {
	pace := u.pace
	if pace == 0 {
		pace = 1
	}
	return 4_000_000_000 + uint32(int64(time.Since(u.started).Seconds()*pace*float64(rate)+0.5))
}

func (u *publisher) sendAudio(track *stream.Track) {
	toc := byte(0xfc)
	if u.mono {
		toc = 0xf8
	}
	u.send(track, u.media(48000), true, append([]byte{toc}, make([]byte, 100)...))
}

func (u *publisher) sendVideo(t *testing.T, track *stream.Track) {
	t.Helper()
	n := u.picture
	u.picture++
	key := n == 0 || u.gop != nil && u.gop(n) || u.gop == nil && (u.wanted || u.period > 0 && n-u.lastKey >= u.period)
	if key {
		u.lastKey = n
	}
	timestamp := u.media(90000)
	isB := !key && u.b > 0 && n%(u.b+1) != 1 // I P B B P B B: a P is sent before the Bs that it is shown after
	if u.b > 0 && !u.decoded && !key {
		if isB {
			timestamp -= 3600
		} else {
			timestamp += uint32(u.b-1) * 3600
		}
	}
	if key {
		u.wanted = false
	}
	payloads := u.payloads(t, key, isB, n == 0)
	size := max(u.size, 1000)
	for i, payload := range payloads {
		for rest := size; i == len(payloads)-1 && rest > 1200; rest -= 1200 { // further slices
			u.send(track, timestamp, false, append(bytes.Clone(payload), make([]byte, 1200)...))
			payload = []byte{payload[0], 0x04, 0x9a}
		}
		u.send(track, timestamp, i == len(payloads)-1, append(bytes.Clone(payload), make([]byte, min(size, 1200))...))
	}
}

// payloads are the first bytes of a picture's packets.
func (u *publisher) payloads(t *testing.T, key, isB, first bool) [][]byte {
	t.Helper()
	if u.video.Name == codec.VP8 {
		if key {
			return [][]byte{{0x10, 0x50}}
		}
		return [][]byte{{0x10, 0x51}}
	}
	switch {
	case key && (u.bare || u.once && !first):
		return [][]byte{{0x65, 0x88}}
	case key:
		const sets = "78" + "001a" + "67640028acd94078044fde0220000003002000000643e2c5b2c0" + "0006" + "68fba3cb22c0"
		b, err := hex.DecodeString(sets)
		if err != nil {
			t.Fatal(err)
		}
		return [][]byte{b, {0x65, 0x88}}
	case isB:
		return [][]byte{{0x01, 0x9e}}
	default:
		return [][]byte{{0x41, 0x9a}}
	}
}

// send puts a packet on its way.
func (u *publisher) send(track *stream.Track, timestamp uint32, marker bool, payload []byte) {
	number := u.numbers[track]
	*number++
	d := delayed{time.Now(), track, &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: *number, Timestamp: timestamp, Marker: marker},
		Payload: payload,
	}}
	switch {
	case u.rng.Float64() < u.loss && *number > 50:
		u.count(func(r *stream.PublisherReport) { r.NACKs++ })
		if u.repairs {
			d.at = d.at.Add(60 * time.Millisecond)
			u.count(func(r *stream.PublisherReport) { r.Recovered++ })
		} else {
			d.at, d.packet = d.at.Add(time.Second), nil
			u.count(func(r *stream.PublisherReport) { r.NACKs += 2 }) // asked for again and again
		}
	case u.jitter && u.rng.IntN(4) == 0:
		d.at = d.at.Add(time.Duration(u.rng.IntN(60)) * time.Millisecond)
	}
	u.later = append(u.later, d)
}

// deliver hands over what has arrived.
func (u *publisher) deliver() {
	now := time.Now()
	u.later = slices.DeleteFunc(u.later, func(d delayed) bool {
		switch {
		case d.at.After(now):
			return false
		case d.packet == nil:
			u.count(func(r *stream.PublisherReport) { r.Lost++ })
		default:
			u.count(func(r *stream.PublisherReport) { r.Packets++ })
			d.track.WriteRTP(u.publication, d.packet)
		}
		return true
	})
}

// class is a Coach that looks, and what it says.
type class struct {
	t        *testing.T
	registry *stream.Registry
	coach    *coach.Coach
	log      bytes.Buffer

	mu     sync.Mutex
	events []string // guarded by mu: names, codes
}

// inClass runs a test in a bubble, where minutes pass at once.
func inClass(t *testing.T, o coach.Options, f func(c *class)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &class{t: t, registry: stream.New(stream.Options{})}
		o.Registry = c.registry
		o.Logger = slog.New(slog.NewTextHandler(&c.log, nil))
		o.Event = func(name string, attrs ...slog.Attr) {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, a := range attrs {
				if a.Key == "code" {
					name += " " + a.Value.String()
				}
			}
			c.events = append(c.events, name)
		}
		var err error
		if c.coach, err = coach.New(o); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, run := range []func(context.Context) error{c.coach.Run, c.registry.Run} {
			wg.Go(func() {
				if err := run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		defer wg.Wait()
		defer stop()
		time.Sleep(7 * time.Millisecond) // so that the coach, who looks each second, never looks while a test does something
		f(c)
	})
}

// codes are those of the findings now.
func (c *class) codes() string {
	var all []string
	for _, f := range c.coach.Findings("test") {
		all = append(all, string(f.Code))
	}
	return strings.Join(all, " ")
}

// told are the events so far.
func (c *class) told() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.events, ", ")
}

// seconds is so many of them.
func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
