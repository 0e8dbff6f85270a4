package webrtctest

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// Stats is what a player got of one kind of media.
type Stats struct {
	Codec       string // "H264", "VP8", "opus"; "" as long as nothing came
	SSRC        uint32
	PayloadType uint8

	Packets    int // distinct ones, retransmitted ones included
	Bytes      int // of payload
	Recovered  int // distinct packets that came out of order: reordered or retransmitted
	Duplicates int
	Missing    int // sequence numbers skipped and not come since
	Frames     int // distinct timestamps
	KeyFrames  int // of them, video only
	Reports    int // sender reports
	Goodbyes   int // RTCP BYE

	First, Last time.Time // arrival of the first and the newest packet
	// FirstKey says that the very first packet begins a key frame.
	FirstKey bool
	// Report is the newest sender report, nil before the first; ReportAt is when
	// it came.
	Report   *rtcp.SenderReport
	ReportAt time.Time
}

// A Frame is all that has come of one RTP timestamp.
type Frame struct {
	Timestamp uint32    // clock rate units
	At        time.Time // arrival of its first packet
	Packets   int
	Key       bool // a video key frame
	Marker    bool // its last packet, by the marker bit, is there
}

// A counter counts one kind of media.
type counter struct {
	mu sync.Mutex
	// guarded by mu
	stats   Stats
	frames  []Frame
	byTime  map[uint32]int // timestamp to index in frames
	highest int64          // extended sequence number
	missing map[int64]*gap
	recent  [512]uint16 // the sequence numbers of the newest packets, in a ring
	count   int         // of packets put into recent
}

// A gap is a packet that has not come.
type gap struct {
	asked time.Time
	times int
}

const (
	nackWait  = 50 * time.Millisecond // between two NACKs of one packet
	nackTimes = 20                    // NACKs of one packet
)

func newCounter() *counter {
	return &counter{byTime: map[uint32]int{}, missing: map[int64]*gap{}}
}

func (c *counter) begin(codec string, ssrc uint32, payloadType uint8) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Codec, c.stats.SSRC, c.stats.PayloadType = codec, ssrc, payloadType
}

func (c *counter) packet(h *rtp.Header, payload []byte, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := keyFrame(c.stats.Codec, payload)
	c.recent[c.count%len(c.recent)] = h.SequenceNumber
	c.count++
	if c.stats.Packets == 0 {
		c.highest = int64(h.SequenceNumber)
		c.stats.First, c.stats.FirstKey = now, key
	} else if !c.orderLocked(h.SequenceNumber) {
		return
	}
	c.stats.Packets++
	c.stats.Bytes += len(payload)
	c.stats.Last = now
	i, ok := c.byTime[h.Timestamp]
	if !ok {
		i = len(c.frames)
		c.byTime[h.Timestamp] = i
		c.frames = append(c.frames, Frame{Timestamp: h.Timestamp, At: now})
		c.stats.Frames++
	}
	frame := &c.frames[i]
	frame.Packets++
	frame.Marker = frame.Marker || h.Marker
	if key && !frame.Key {
		frame.Key = true
		c.stats.KeyFrames++
	}
}

// orderLocked takes note of a sequence number; false if it was there before, or
// is older than the first.
func (c *counter) orderLocked(sequence uint16) bool {
	extended := c.highest + int64(int16(sequence-uint16(c.highest))) // RFC 3550 A.1, modulo 2^16
	if extended > c.highest {
		for skipped := c.highest + 1; skipped < extended; skipped++ {
			c.missing[skipped] = &gap{}
		}
		c.highest = extended
		c.stats.Missing = len(c.missing)
		return true
	}
	if c.missing[extended] == nil {
		c.stats.Duplicates++
		return false
	}
	delete(c.missing, extended)
	c.stats.Missing = len(c.missing)
	c.stats.Recovered++
	return true
}

func (c *counter) report(packets []rtcp.Packet, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, packet := range packets {
		switch packet := packet.(type) {
		case *rtcp.SenderReport:
			if packet.SSRC == c.stats.SSRC {
				c.stats.Reports++
				c.stats.Report, c.stats.ReportAt = packet, now
			}
		case *rtcp.Goodbye:
			c.stats.Goodbyes++
		}
	}
}

// nacks returns the missing packets to ask for now, in no order.
func (c *counter) nacks(now time.Time) []uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ask []uint16
	for extended, gap := range c.missing {
		if gap.times < nackTimes && now.Sub(gap.asked) >= nackWait {
			gap.times++
			gap.asked = now
			ask = append(ask, uint16(extended))
		}
	}
	return ask
}

// received returns the sequence numbers of the newest packets.
func (c *counter) received() []uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]uint16(nil), c.recent[:min(c.count, len(c.recent))]...)
}

func (c *counter) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *counter) allFrames() []Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Frame(nil), c.frames...)
}

// keyFrame says whether a payload begins a key frame, of H.264 (RFC 6184 5.4 to
// 5.8) or VP8 (RFC 7741 4.2 and 4.3).
func keyFrame(codec string, payload []byte) bool {
	switch codec {
	case "H264":
		return keyFrameH264(payload)
	case "VP8":
		return keyFrameVP8(payload)
	default:
		return false
	}
}

func keyFrameH264(payload []byte) bool {
	const typeMask, idr, sps, stapA, fuA, start = 0x1f, 5, 7, 24, 28, 0x80
	if len(payload) < 2 {
		return false
	}
	switch payload[0] & typeMask {
	case idr, sps:
		return true
	case fuA:
		return payload[1]&start != 0 && payload[1]&typeMask == idr
	case stapA:
		for rest := payload[1:]; len(rest) > 2; {
			size := int(rest[0])<<8 | int(rest[1])
			if nal := rest[2] & typeMask; nal == idr || nal == sps {
				return true
			}
			if len(rest) < 2+size {
				return false
			}
			rest = rest[2+size:]
		}
	}
	return false
}

func keyFrameVP8(payload []byte) bool {
	const extended, start, partition, pictureID, tl0, tid, key, long, interFrame = 0x80, 0x10, 0x07, 0x80, 0x40, 0x20, 0x10, 0x80, 0x01
	if len(payload) < 2 || payload[0]&start == 0 || payload[0]&partition != 0 {
		return false
	}
	at := 1
	if payload[0]&extended != 0 {
		flags := payload[1]
		at++
		if flags&pictureID != 0 {
			if len(payload) <= at {
				return false
			}
			if payload[at]&long != 0 {
				at++
			}
			at++
		}
		if flags&tl0 != 0 {
			at++
		}
		if flags&(tid|key) != 0 {
			at++
		}
	}
	return len(payload) > at && payload[at]&interFrame == 0
}
