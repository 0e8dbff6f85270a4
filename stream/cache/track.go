package cache

import (
	"sync/atomic"
	"time"

	"weir/internal/codec"
)

const (
	// firstIndex leaves room below, so that no arithmetic on indexes wraps.
	firstIndex = 1 << 32
	// LateKept is how many packets out of order a track remembers.
	LateKept = 256
)

// Bounds of a group of pictures that is kept; past one only its key frame is.
type Bounds struct {
	MaxAge    time.Duration
	MaxBytes  int64 // of payload
	MaxFrames int
}

// A Track is the shared part of a track. Begin, Put, SetClock, UnsetClock, Shrink
// and Release are the writing end's, which is for one goroutine at a time; the
// other methods are for any.
type Track struct {
	// static after New
	kind   codec.Kind
	rate   uint32    // clock rate, Hz
	epoch  time.Time // zero of the monotonic nanoseconds
	bounds Bounds

	ring
	in ingest // owned by the writing end

	// written by the writing end, read by any
	group    atomic.Pointer[Group]
	format   atomic.Pointer[codec.Format]
	live     atomic.Bool
	clock    atomic.Pointer[Clock]
	arriving atomic.Pointer[Clock]
	late     [LateKept]atomic.Uint64 // indexes that came after a higher one
	lateHead atomic.Uint64           // how many such came
	bytes    atomic.Uint64           // a second

	keyFrames, setsInserted, setsLate, setsMissing atomic.Uint64 // see KeyFrames and Sets
}

// New makes a track that is empty. Times are counted from epoch; what its packets
// cost in memory is added to total, which it may share with others.
func New(f codec.Format, epoch time.Time, b Bounds, total *atomic.Int64) *Track {
	t := &Track{kind: f.Kind(), rate: f.ClockRate, epoch: epoch, bounds: b}
	t.start(firstIndex, total)
	t.format.Store(&f)
	return t
}

// Newest is the newest group of pictures; nil while no key frame has come since
// Begin. It is told before its packets can be seen.
func (t *Track) Newest() *Group { return t.group.Load() }

// Format is what the packets really are: the declared format, with profile and
// level as the parameter sets of H.264 and H.265 say. What it points to does not
// change: another format is another pointer.
func (t *Track) Format() *codec.Format { return t.format.Load() }

// Live says whether something that can be decoded has come since Begin, which
// for video begins with a key frame.
func (t *Track) Live() bool { return t.live.Load() }

// Clock is the one of capture; nil: nothing is known yet.
func (t *Track) Clock() *Clock { return t.clock.Load() }

// Arriving is the clock of what comes in: behind that of capture by the source's
// delay; nil: nothing has come.
func (t *Track) Arriving() *Clock { return t.arriving.Load() }

// ByteRate is how many bytes a second came over the last second or so, with what
// a packet costs besides its payload; 0: not known yet.
func (t *Track) ByteRate() uint64 { return t.bytes.Load() }

// ClockRate is that of the track's timestamps, in Hz.
func (t *Track) ClockRate() uint32 { return t.rate }

// LateHead is how many packets came after one of a higher index.
func (t *Track) LateHead() uint64 { return t.lateHead.Load() }

// Late is the index of the n'th of them, from 0 on. The last LateKept are
// remembered.
func (t *Track) Late(n uint64) uint64 { return t.late[n%LateKept].Load() }

// Size is about the bytes that the packets take.
func (t *Track) Size() int64 { return t.size.Load() }

// KeyFrames is how many key frames have begun since the track was made.
func (t *Track) KeyFrames() uint64 { return t.keyFrames.Load() }

// A SetsCount counts key frames that lacked parameter sets, since the track was
// made.
type SetsCount struct {
	Inserted uint64 // those that got them
	Late     uint64 // those that came out of order: a replay brings them
	Missing  uint64 // those for which none were known
}

// Sets reads the counters.
func (t *Track) Sets() SetsCount {
	return SetsCount{Inserted: t.setsInserted.Load(), Late: t.setsLate.Load(), Missing: t.setsMissing.Load()}
}
