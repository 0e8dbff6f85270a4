package stream

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"weir/internal/codec"
	"weir/stream/joining"
	"weir/stream/sequence"
)

const (
	// passPackets is how many packets one viewer gets in a pass before the
	// next one has its turn.
	passPackets = 32
	// reportEvery is the least time between two sender reports.
	reportEvery = time.Second
)

// A Payload is one codec that a viewer's transport was negotiated to carry.
// RTXPayloadType is 0 where retransmission (RFC 4588) was not negotiated for it:
// packets are then sent again as they were.
type Payload struct {
	Format                      codec.Format // as the answer has it
	PayloadType, RTXPayloadType uint8
}

// A Line names what a viewer's transport was negotiated to carry for one
// DownTrack. RTXSSRC is 0 where retransmission was not negotiated.
type Line struct {
	SSRC, RTXSSRC               uint32
	PayloadType, RTXPayloadType uint8 // of the codec of the track given to AddViewer
	// Payloads are all codecs of this kind that the answer holds. The one that
	// fits what is sent best is used: it follows the stream's real profile, and
	// the publisher from codec to codec. If there are none the payload types
	// above serve for the first track's codec.
	Payloads []Payload
	// Extensions are the header extensions that the viewer takes, URI to id.
	// Mixed says that it takes the form of two bytes too (RFC 8285 4.1.2).
	Extensions map[string]uint8
	Mixed      bool
}

// A DownTrack is one viewer's end of one kind of media: a cursor into a Track's
// cache, and the line of numbers that the viewer sees. Attach comes before
// Viewer.Start; NACK is for one goroutine at a time; the other methods are for
// any.
type DownTrack struct {
	// owned by the worker; what each pass needs stands together
	track      *Track // that feeds it
	outlet     Outlet
	format     *codec.Format // for which payload was chosen
	line       sequence.Line
	cursor     uint64 // the next index to send
	lateCursor uint64 // how many late packets of the track are dealt with
	heldTo     int64  // video does not begin before
	keyIndex   uint64 // of the newest key frame that was sent
	reportAt   int64
	base       uint32 // the viewer's timestamp less the track's, but for replayed frames
	newest     uint32 // the viewer's timestamp of the newest frame sent
	sent       bool   // newest holds
	waiting    bool   // for a key frame that begins at waitFrom or later
	replaying  uint8  // replayOff, …

	// static after Attach
	kind   codec.Kind
	viewer *Viewer

	target   atomic.Pointer[Track] // that should feed this end; changed under Stream.mu
	keyFrame atomic.Bool           // the viewer asked for a key frame

	// written by the worker, read by anyone
	offered, delivered, octets atomic.Uint64

	repeats sequence.Repeats // the worker takes what the viewer asks for

	// owned by the worker
	waitFrom uint64
	overdue  int64 // while waiting: when to take an older one instead; 0: never
	keyAt    int64 // when the newest key frame began to be sent
	requests joining.Requests
	replay   joining.Replay
	payload  Payload

	// static after Attach
	names Line
	open  func(Flusher) Outlet

	lossy atomic.Bool  // the viewer's last report told of loss
	rtt   atomic.Int64 // nanoseconds; 0: not known

	// written by the worker, read by anyone
	drops                                [dropReasons]atomic.Uint64
	resent, unanswered, limited, flooded atomic.Uint64
	repeated, replayed, lone             atomic.Uint64
	keyFramesAsked, forgotten            atomic.Uint64
}

func newDownTrack(v *Viewer, t *Track) *DownTrack {
	d := &DownTrack{viewer: v, kind: t.kind, track: t}
	d.target.Store(t)
	return d
}

// Track is the shared track that feeds this end at present.
func (d *DownTrack) Track() *Track { return d.target.Load() }

// Attach names the numbers that the transport carries and how the worker opens
// the way out. The worker calls open once, in its first pass after
// Viewer.Start; DownTracks of one viewer may be given the same Outlet.
func (d *DownTrack) Attach(l Line, open func(Flusher) Outlet) {
	d.names, d.open = l, open
	names := sequence.Names{SSRC: l.SSRC, RTXSSRC: l.RTXSSRC, Mixed: l.Mixed}
	for uri, id := range l.Extensions {
		allow(&names.Extensions, uri, id)
	}
	d.base = d.line.Begin(names)
	if len(l.Payloads) == 0 {
		d.names.Payloads = []Payload{{
			Format: d.Track().Format(), PayloadType: l.PayloadType, RTXPayloadType: l.RTXPayloadType,
		}}
	}
}

// NACK notes that the viewer misses packets (RFC 4585 6.2.1). It never blocks:
// beyond 256 numbers that wait, more are dropped and counted.
func (d *DownTrack) NACK(pairs []rtcp.NackPair) {
	for i := range pairs {
		pairs[i].Range(func(n uint16) bool {
			if !d.repeats.Ask(n) {
				d.flooded.Add(1)
			}
			return true
		})
	}
	d.viewer.shard.wake()
}

// RequestKeyFrame notes that the viewer cannot go on without a key frame (PLI
// or FIR, RFC 4585 6.3.1, RFC 5104 4.3.1). It gets the cached group of pictures
// again, three times in 10 s at most, or else waits for the next key frame; the
// source is asked for one.
func (d *DownTrack) RequestKeyFrame() {
	if d.kind != codec.Video {
		return
	}
	d.keyFramesAsked.Add(1)
	d.keyFrame.Store(true)
	d.viewer.shard.wake()
}

// lossReported is the part of lost packets, in 1/256, from which on a report
// slows a replay down.
const lossReported = 5

// Reception notes what the viewer's receiver report says of this end (RFC 3550
// 6.4.1): the part of packets lost in its last interval, in 1/256, and the round
// trip time, 0 if it is not known.
func (d *DownTrack) Reception(fractionLost uint8, rtt time.Duration) {
	d.lossy.Store(fractionLost >= lossReported)
	if rtt > 0 {
		d.rtt.Store(int64(rtt))
	}
}

// DownTrackStats are a DownTrack's counters. Offered is Delivered plus the sum
// of Drops.
type DownTrackStats struct {
	Offered, Delivered uint64            // packets, without those sent again
	Bytes              uint64            // of payload, delivered
	Drops              map[string]uint64 // by reason
	Resent             uint64            // packets sent again
	Unanswered         uint64            // asked for again, no longer there
	Limited            uint64            // asked for again, over the allowance
	Repeated           uint64            // asked for again within a round trip
	Flooded            uint64            // asked for again, no room to note it
	KeyFramesAsked     uint64            // PLI and FIR of the viewer
	Replays            uint64            // groups of pictures sent from the cache
	LoneKeyFrames      uint64            // key frames sent twice, where no group could be
}

func (d *DownTrack) stats() DownTrackStats {
	st := DownTrackStats{
		Offered: d.offered.Load(), Delivered: d.delivered.Load(), Bytes: d.octets.Load(), Drops: map[string]uint64{},
		Resent: d.resent.Load(), Unanswered: d.unanswered.Load() + d.forgotten.Load(),
		Limited: d.limited.Load(), Repeated: d.repeated.Load(), Flooded: d.flooded.Load(),
		KeyFramesAsked: d.keyFramesAsked.Load(), Replays: d.replayed.Load(), LoneKeyFrames: d.lone.Load(),
	}
	countDrops(st.Drops, &d.drops)
	return st
}
