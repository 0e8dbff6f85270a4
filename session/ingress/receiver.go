package ingress

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"

	"weir/session/negotiate"
	"weir/stream"
)

const (
	// maxStreams is how many RTP streams a publisher may send: three layers,
	// their repairs and sound are seven.
	maxStreams = 64
	// maxMade is how many streams pion may make, which are never freed: each of
	// the publisher's is up to four, for RTP and RTCP of media and repairs.
	maxMade = 15 * maxStreams
	// silence is after how long without a packet a layer counts as gone.
	silence = time.Second
)

// Options say what a Receiver needs to know of its session. Its functions may be
// called from any goroutine and must not wait for one of the Receiver's.
type Options struct {
	Sections  []negotiate.Section  // of the plan; those that are accepted are received
	CNAME     string               // of this end in its reports (RFC 7022)
	Connected func() bool          // whether RTCP can be sent
	Send      func([]rtcp.Packet)  // one compound packet, or not at all
	RoundTrip func() time.Duration // to the publisher, 0 if not known
	Flooded   func()               // there are more RTP streams than can belong to one session
}

// Receiver takes what a publisher sends. Packets are taken where pion has
// decrypted them, in the goroutine that reads the transport: no queue lies
// between that and the tracks, and none of pion's own receivers has a part.
// What says which section a packet belongs to is, in this order, its SSRC once
// that is known, the header extensions mid and rid, the SSRCs of the offer, and
// the payload type (RFC 9143 9.2).
type Receiver struct {
	// static after New
	options Options
	inputs  []*input
	mid     uint8 // ids of header extensions, 0 for none
	rid     uint8
	repair  uint8
	wide    uint8
	ssrc    uint32 // ours, as reports name it
	wake    chan struct{}
	stop    chan struct{}
	stopped sync.Once

	running sync.WaitGroup

	mu sync.Mutex
	// guarded by mu; tracks are static after Start
	publication *stream.Publication      // nil before Start and after Stop
	tracks      map[string]*stream.Track // by the codec's name in lower case
	sources     map[uint32]*source
	order       []*source // sources as they came
	made        int       // streams that pion has seen
	numbers     *twcc.Recorder
	epoch       time.Time
	clock       publisherClock
	early       map[uint32]earlyReport // of streams of which no packet has come
	rtt         time.Duration
	unknown     uint64 // packets that belong to no section
	malformed   uint64 // packets that are no RTP
	untimely    uint64 // packets before Start or after Stop
}

// New makes a Receiver. What comes before Start is thrown away.
func New(o Options) *Receiver {
	g := &Receiver{
		options: o, ssrc: rand.Uint32() | 1, wake: make(chan struct{}, 1), stop: make(chan struct{}), //nolint:gosec // no secret
		sources: map[uint32]*source{}, early: map[uint32]earlyReport{}, epoch: time.Now(),
	}
	for i := range o.Sections {
		section := &o.Sections[i]
		if !section.Accepted {
			continue
		}
		g.inputs = append(g.inputs, newInput(section))
		for id, uri := range section.Extensions {
			switch uri {
			case negotiate.Mid:
				g.mid = id
			case negotiate.RID:
				g.rid = id
			case negotiate.RepairedRID:
				g.repair = id
			case negotiate.TransportCC:
				g.wide = id
			}
		}
		for _, payload := range section.Payloads {
			for _, value := range payload.Feedback {
				if value == "transport-cc" && g.numbers == nil {
					g.numbers = twcc.NewRecorder(g.ssrc)
				}
			}
		}
	}
	return g
}

// Start lets packets into the tracks of the publication, and reports on them. It
// is called once.
func (g *Receiver) Start(p *stream.Publication) {
	tracks := map[string]*stream.Track{}
	for _, t := range p.Tracks() {
		tracks[strings.ToLower(t.Spec().Format.Name)] = t
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.publication, g.tracks = p, tracks
	g.running.Go(func() { g.report(p) })
}

// Stop lets nothing more into the publication, which stays the caller's. It is
// idempotent; Wait returns when no goroutine runs any more.
func (g *Receiver) Stop() {
	g.stopped.Do(func() { close(g.stop) })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.publication = nil
}

// Wait returns when the Receiver was stopped and has no goroutine any more.
func (g *Receiver) Wait() { g.running.Wait() }

// Buffer makes what pion writes a stream's packets into
// (webrtc.SettingEngine.BufferFactory).
func (g *Receiver) Buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if g.admit() {
		return &sink{receiver: g, ssrc: ssrc, rtcp: kind == packetio.RTCPBufferPacket}
	}
	return &sink{}
}

// admit counts the streams that pion makes; beyond the limit none is taken.
func (g *Receiver) admit() bool {
	g.mu.Lock()
	g.made++
	over := g.made > maxMade
	g.mu.Unlock()
	if over {
		g.options.Flooded() // pion keeps a note of each
	}
	return !over
}

// sink stands where pion keeps what it has decrypted of one stream.
type sink struct {
	receiver *Receiver // nil: what comes is thrown away
	ssrc     uint32
	rtcp     bool
}

// Write takes one packet, which is pion's again when it returns.
func (s *sink) Write(b []byte) (int, error) {
	switch {
	case s.receiver == nil:
	case s.rtcp:
		s.receiver.control(s.ssrc, b)
	default:
		s.receiver.packet(b, time.Now())
	}
	return len(b), nil
}

// Read says that there is nothing: pion's own receivers look no further.
func (s *sink) Read([]byte) (int, error) { return 0, io.EOF }

// Close does nothing.
func (s *sink) Close() error { return nil }

// packet takes one RTP packet of the publisher's.
func (g *Receiver) packet(b []byte, now time.Time) {
	pkt := &rtp.Packet{}
	err := pkt.Unmarshal(bytes.Clone(b))
	g.mu.Lock()
	switch {
	case err != nil:
		g.malformed++
		g.mu.Unlock()
		return
	case g.publication == nil:
		g.untimely++
		g.mu.Unlock()
		return
	}
	g.number(pkt, now)
	s, track, gap := g.placeLocked(pkt, now)
	publication := g.publication
	var clock *capture
	if track != nil && s.input.fed != track {
		s.input.fed, clock = track, s.capture()
	}
	g.mu.Unlock()
	if clock != nil {
		track.SetClock(publication, clock.at, clock.timestamp)
	}
	if track != nil {
		track.WriteRTP(publication, pkt)
	}
	if gap {
		select {
		case g.wake <- struct{}{}:
		default:
		}
	}
}

// number notes a packet's transport-wide number.
func (g *Receiver) number(pkt *rtp.Packet, now time.Time) {
	if g.numbers == nil || g.wide == 0 {
		return
	}
	var wide rtp.TransportCCExtension
	if b := pkt.GetExtension(g.wide); b != nil && wide.Unmarshal(b) == nil {
		g.numbers.Record(pkt.SSRC, wide.TransportSequence, now.Sub(g.epoch).Microseconds())
	}
}
