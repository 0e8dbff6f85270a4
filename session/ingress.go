package session

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"

	"weir/internal/codec"
	"weir/session/negotiate"
	"weir/stream"
)

const (
	// maxStreams is how many RTP streams a publisher may send: three layers,
	// their repairs and sound are seven.
	maxStreams = 64
	// silence is after how long without a packet a layer counts as gone.
	silence = time.Second
)

// ingress is the flow from a publisher. Packets are taken where pion has
// decrypted them, in the goroutine that reads the transport: no queue lies
// between that and the tracks, and none of pion's own receivers has a part.
// What says which section a packet belongs to is, in this order, its SSRC once
// that is known, the header extensions mid and rid, the SSRCs of the offer, and
// the payload type (RFC 9143 9.2).
type ingress struct {
	// static after newIngress
	session *Session
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
	// guarded by mu; publication and tracks are static after open
	publication *stream.Publication
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
	junk        uint64 // datagrams that are no RTP
}

func newIngress(s *Session) *ingress {
	g := &ingress{
		session: s, ssrc: rand.Uint32() | 1, wake: make(chan struct{}, 1), stop: make(chan struct{}), //nolint:gosec // no secret
		sources: map[uint32]*source{}, early: map[uint32]earlyReport{}, epoch: time.Now(),
	}
	for i := range s.plan.Sections {
		section := &s.plan.Sections[i]
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

// replayWindow is how many packets late one may come and still be taken, in
// packets of its RTP stream: many publishers send lost packets again as they
// were, on the same stream.
const replayWindow = 8192

func (g *ingress) prepare(e *webrtc.SettingEngine) {
	e.SetSRTPReplayProtectionWindow(replayWindow)
	e.BufferFactory = g.buffer
}

// buffer makes what pion writes a stream's packets into.
func (g *ingress) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if g.admit(kind) {
		return &sink{ingress: g, ssrc: ssrc, rtcp: kind == packetio.RTCPBufferPacket}
	}
	return &sink{}
}

// admit counts the streams that pion makes; beyond the limit the session ends.
func (g *ingress) admit(kind packetio.BufferPacketType) bool {
	g.mu.Lock()
	g.made++
	over := g.made > 4*maxStreams // RTCP and RTP, and what either names
	g.mu.Unlock()
	if over && kind == packetio.RTPBufferPacket {
		g.session.end(ReasonStreams)
	}
	return !over
}

// sink stands where pion keeps what it has decrypted of one stream.
type sink struct {
	ingress *ingress // nil: what comes is thrown away
	ssrc    uint32
	rtcp    bool
}

// Write takes one packet, which is pion's again when it returns.
func (s *sink) Write(b []byte) (int, error) {
	switch {
	case s.ingress == nil:
	case s.rtcp:
		s.ingress.control(s.ssrc, b)
	default:
		s.ingress.packet(b, time.Now())
	}
	return len(b), nil
}

// Read says that there is nothing: pion's own receivers look no further.
func (s *sink) Read([]byte) (int, error) { return 0, io.EOF }

// Close does nothing.
func (s *sink) Close() error { return nil }

// packet takes one RTP packet of the publisher's.
func (g *ingress) packet(b []byte, now time.Time) {
	pkt := &rtp.Packet{}
	err := pkt.Unmarshal(bytes.Clone(b))
	g.mu.Lock()
	if err != nil || g.publication == nil {
		g.junk++
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
func (g *ingress) number(pkt *rtp.Packet, now time.Time) {
	if g.numbers == nil || g.wide == 0 {
		return
	}
	var wide rtp.TransportCCExtension
	if b := pkt.GetExtension(g.wide); b != nil && wide.Unmarshal(b) == nil {
		g.numbers.Record(pkt.SSRC, wide.TransportSequence, now.Sub(g.epoch).Microseconds())
	}
}

// placeLocked finds what the packet belongs to, and makes it one of the line
// that its track gets. It returns the stream and the track, nil where the packet
// ends here, and whether packets before it are missing now that were not.
func (g *ingress) placeLocked(pkt *rtp.Packet, now time.Time) (s *source, track *stream.Track, gap bool) {
	s = g.sourceLocked(pkt)
	if s == nil {
		g.unknown++
		return nil, nil, false
	}
	again := s.repairs
	if again {
		s.octets += uint64(len(pkt.Payload))
		if s = g.unwrapLocked(s, pkt); s == nil {
			return nil, nil, false
		}
	}
	route, ok := s.input.payloads[pkt.PayloadType]
	if !ok || route.repairs {
		g.unknown++
		return nil, nil, false
	}
	fresh, gap := s.receive(pkt, route.clockRate, now, again)
	if !fresh || !s.input.forward(s, pkt, route, now) {
		return nil, nil, gap
	}
	s.input.note(s, pkt, route, now)
	return s, g.tracks[route.codec], gap
}

// sourceLocked finds or makes the source of a packet.
func (g *ingress) sourceLocked(pkt *rtp.Packet) *source {
	if s := g.sources[pkt.SSRC]; s != nil {
		return s
	}
	in := g.inputLocked(pkt)
	if in == nil || len(g.sources) >= maxStreams {
		return nil
	}
	route, ok := in.payloads[pkt.PayloadType]
	if !ok {
		return nil
	}
	s := &source{ssrc: pkt.SSRC, input: in, repairs: route.repairs, rid: extension(pkt, g.rid), nacks: route.nacks}
	if repaired := extension(pkt, g.repair); s.repairs && repaired != "" {
		s.rid = repaired
	}
	if len(in.section.RIDs) > 0 && !s.repairs && !in.known(s.rid) {
		return nil // not said yet, or no layer that was answered
	}
	g.sources[pkt.SSRC] = s
	g.order = append(g.order, s)
	if e, ok := g.early[pkt.SSRC]; ok {
		delete(g.early, pkt.SSRC)
		s.reported(e.report, e.at, e.came)
	}
	return s
}

// inputLocked finds the section of a stream that was not there before.
func (g *ingress) inputLocked(pkt *rtp.Packet) *input {
	if mid := extension(pkt, g.mid); mid != "" {
		for _, in := range g.inputs {
			if in.section.Mid == mid {
				return in
			}
		}
	}
	var found *input
	for _, in := range g.inputs {
		if in.declares(pkt.SSRC) {
			return in
		}
		if _, ok := in.payloads[pkt.PayloadType]; ok {
			if found != nil {
				return nil // the payload type says nothing
			}
			found = in
		}
	}
	return found
}

// unwrapLocked makes of a retransmission the packet that it repeats (RFC 4588 4),
// and returns that one's source, nil where there is none.
func (g *ingress) unwrapLocked(repair *source, pkt *rtp.Packet) *source {
	const originalNumber = 2 // bytes
	route := repair.input.payloads[pkt.PayloadType]
	s := g.repairedLocked(repair)
	if s == nil || !route.repairs || len(pkt.Payload) <= originalNumber {
		return nil // padding that only probes the way has no number
	}
	pkt.SequenceNumber = uint16(pkt.Payload[0])<<8 | uint16(pkt.Payload[1])
	pkt.Payload = pkt.Payload[originalNumber:]
	pkt.SSRC, pkt.PayloadType = s.ssrc, route.of
	return s
}

// repairedLocked finds what a repair stream repeats: by the offer, by the rid, or
// because there is only one.
func (g *ingress) repairedLocked(repair *source) *source {
	if repair.of != nil {
		return repair.of
	}
	for _, declared := range repair.input.section.Sources {
		if declared.RTX == repair.ssrc && g.sources[declared.SSRC] != nil {
			repair.of = g.sources[declared.SSRC]
			return repair.of
		}
	}
	var only *source
	for _, s := range g.order {
		switch {
		case s.input != repair.input || s.repairs:
		case repair.rid != "" && s.rid == repair.rid:
			repair.of = s
			return s
		case only != nil:
			return nil
		default:
			only = s
		}
	}
	return only
}

// extension is the text of a header extension, "" for none.
func extension(pkt *rtp.Packet, id uint8) string {
	if id == 0 {
		return ""
	}
	return string(pkt.GetExtension(id))
}

func (g *ingress) connect(*webrtc.PeerConnection) error { return nil }

func (g *ingress) describe(*negotiate.Local) {}

func (g *ingress) begin() {}

func (g *ingress) over() <-chan struct{} {
	if p := g.published(); p != nil {
		return p.Done()
	}
	return nil
}

func (g *ingress) why() string {
	switch reason := g.published().Reason(); reason {
	case "taken_over":
		return ReasonTaken
	case "shutdown":
		return ReasonShutdown
	default:
		return ReasonFailed
	}
}

func (g *ingress) published() *stream.Publication {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.publication
}

func (g *ingress) halt(reason string) {
	if p := g.published(); p != nil {
		p.Close(reason)
	}
	g.stopped.Do(func() { close(g.stop) })
}

func (g *ingress) wait() { g.running.Wait() }

// input is one section that is received.
type input struct {
	// static after newInput
	section  *negotiate.Section
	payloads map[uint8]payloadRoute
	video    bool

	// guarded by ingress.mu
	splice
	fed       *stream.Track // that got the newest packet
	layers    uint64        // packets of layers that are not forwarded
	unasked   uint64        // key frames wanted that could not be asked for
	keyFrames uint64        // asked for
	awaited   bool          // one was, and has not come
	answered  uint64        // came soon after they were asked for
}

// payloadRoute says what a payload type carries.
type payloadRoute struct {
	codec     string // in lower case
	clockRate uint32
	nacks     bool  // lost packets can be asked for
	pli, fir  bool  // so can key frames
	repairs   bool  // it carries retransmissions
	of        uint8 // then of this payload type
}

func newInput(section *negotiate.Section) *input {
	in := &input{section: section, payloads: map[uint8]payloadRoute{}, video: section.Kind == codec.Video.String()}
	for _, p := range section.Payloads {
		route := payloadRoute{codec: strings.ToLower(p.Format.Name), clockRate: p.Format.ClockRate}
		for _, value := range p.Feedback {
			route.nacks = route.nacks || value == "nack"
			route.pli = route.pli || value == "nack pli"
			route.fir = route.fir || value == "ccm fir"
		}
		in.payloads[p.Number] = route
		if p.RTX != 0 {
			in.payloads[p.RTX] = payloadRoute{codec: route.codec, clockRate: route.clockRate, repairs: true, of: p.Number}
		}
	}
	return in
}

// note takes account of a key frame that was asked for.
func (in *input) note(s *source, pkt *rtp.Packet, route payloadRoute, now time.Time) {
	if !in.awaited || !codec.KeyFrameStart(route.codec, pkt.Payload) {
		return
	}
	in.awaited = false
	if now.Sub(s.keyFrameAt) < silence {
		in.answered++
	}
}

// declares says whether the offer says that the SSRC is of this section.
func (in *input) declares(ssrc uint32) bool {
	for _, s := range in.section.Sources {
		if s.SSRC == ssrc || s.RTX == ssrc {
			return true
		}
	}
	return false
}

// known says whether the layer was answered.
func (in *input) known(rid string) bool {
	return slices.Contains(in.section.RIDs, rid)
}
