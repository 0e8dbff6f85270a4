package ingress

import (
	"math"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// source is one RTP stream of a publisher's. All of it is guarded by Receiver.mu.
type source struct {
	ssrc    uint32
	input   *input
	repairs bool    // it carries retransmissions
	of      *source // then of this stream, as far as that is known
	rid     string  // of a layer
	nacks   bool    // lost packets can be asked for

	begun          bool
	base, highest  int64 // extended sequence numbers (RFC 3550 A.1)
	packets        uint64
	octets         uint64
	again          uint64 // packets that were missing and came late
	repaired       uint64 // of them those that came on the stream of repairs
	duplicates     uint64
	jitter         float64 // clock rate units
	transit        float64
	arrived        time.Time // the newest packet
	heard          bool      // since the last report
	told           time.Time // when it was last reported on
	bye            bool      // the publisher has said that it is over
	clockRate      uint32    // its; 0: none has come
	left           time.Time // when the line went on with another stream; zero: never
	missing        map[int64]*absence
	given          uint64 // up as lost
	asked          uint64 // packets asked for again
	expectedBefore int64  // at the last report
	receivedBefore uint64
	fraction       uint8
	restarts       int64  // packets lost in sequence numbers before a restart
	before         uint64 // packets that came before it

	rate        uint64 // bytes a second
	windowStart time.Time
	windowBytes uint64

	clockAt        time.Time // when, by our clock, the media of clockTimestamp was captured; zero: not known
	clockTimestamp uint32
	clockFrom      time.Time // when the report came that said so; zero: none did
	reportNTP      uint64    // of the newest sender report, 0: none came
	reportRTP      uint32
	reportAt       time.Time
	disbelieved    uint64    // sender reports
	keyFrameAt     time.Time // when a key frame was last asked for
	firSequence    uint8
}

// absence is a packet that has not come.
type absence struct {
	since, asked time.Time
	times        int
}

const (
	// maxMissing is how many packets of a stream are waited for at a time.
	maxMissing = 512
	// maxJump is how far a sequence number may be off before the stream counts
	// as one that began anew.
	maxJump = 3000
	// waitMissing is for how long a packet is asked for again.
	waitMissing = time.Second
	// tolerance is how long a packet may be out of order before it is asked for.
	tolerance = 5 * time.Millisecond
	// askAgain is the least time between two requests for a packet.
	askAgain = 20 * time.Millisecond
)

// receive counts a packet. again says that it is a retransmission of another
// stream's. It says which number the packet has, extended, whether it is new, and
// whether others are missing since. A stream's numbers never go back: where it
// begins anew that counts as having wrapped.
func (s *source) receive(pkt *rtp.Packet, clockRate uint32, now time.Time, again bool) (extended int64, fresh, gap bool) {
	s.clockRate, s.heard = clockRate, true
	extended = s.highest + int64(int16(pkt.SequenceNumber-uint16(s.highest)))
	switch {
	case !s.begun:
		if again {
			return 0, false, false
		}
		extended = int64(pkt.SequenceNumber)
		s.begun, s.base, s.highest = true, extended, extended-1
		s.missing = map[int64]*absence{}
		s.windowStart = now
	case extended > s.highest+maxJump || extended < s.highest-maxJump:
		if again {
			return 0, false, false
		}
		if extended < s.highest {
			extended += 1 << 16
		}
		s.restarts += s.highest + 1 - s.base - int64(s.packets)
		clear(s.missing)
		s.before += s.packets
		s.base, s.highest, s.packets = extended, extended-1, 0
		s.expectedBefore, s.receivedBefore = 0, 0
	}
	if extended <= s.highest {
		if s.missing[extended] == nil {
			s.duplicates++
			return extended, false, false
		}
		delete(s.missing, extended)
		s.again++
	} else {
		gap = s.miss(s.highest+1, extended, now)
		s.highest = extended
		s.measureJitter(pkt.Timestamp, clockRate, now)
	}
	if again {
		s.repaired++
	} else {
		s.packets++
	}
	s.arrived = now
	s.octets += uint64(len(pkt.Payload))
	s.measureRate(len(pkt.Payload), now)
	return extended, true, gap
}

// miss notes the packets from one number up to another as missing.
func (s *source) miss(from, to int64, now time.Time) bool {
	if from >= to {
		return false
	}
	if to-from > maxMissing-int64(len(s.missing)) {
		s.given += uint64(to - from)
		return false
	}
	for n := from; n < to; n++ {
		s.missing[n] = &absence{since: now}
	}
	return true
}

// due returns the numbers to ask for now, in no order, and gives up those that
// have been waited for long enough.
func (s *source) due(now time.Time, rtt time.Duration) []uint16 {
	var ask []uint16
	for n, a := range s.missing {
		switch {
		case now.Sub(a.since) > waitMissing:
			delete(s.missing, n)
			s.given++
		case !s.nacks || now.Sub(a.since) < tolerance:
		case a.times == 0 || now.Sub(a.asked) >= max(askAgain, rtt+rtt/4):
			a.times++
			a.asked = now
			ask = append(ask, uint16(n))
		}
	}
	s.asked += uint64(len(ask))
	return ask
}

// measureJitter is RFC 3550 A.8.
func (s *source) measureJitter(timestamp, clockRate uint32, now time.Time) {
	arrival := float64(now.UnixMicro()) * float64(clockRate) / 1e6
	transit := math.Mod(arrival, 1<<32) - float64(timestamp)
	d := math.Abs(transit - s.transit)
	s.transit = transit
	if s.packets > 0 && d < float64(clockRate)*10 { // else the numbers have wrapped or begun anew
		s.jitter += (d - s.jitter) / 16
	}
}

// measureRate keeps the byte rate over windows of half a second.
func (s *source) measureRate(n int, now time.Time) {
	s.windowBytes += uint64(n)
	if passed := now.Sub(s.windowStart); passed >= silence/2 {
		s.rate = uint64(float64(s.windowBytes) / passed.Seconds())
		s.windowStart, s.windowBytes = now, 0
	}
}

// heardReport notes that a sender report came.
func (s *source) heardReport(report *rtcp.SenderReport, now time.Time) {
	s.reportNTP, s.reportRTP, s.reportAt = report.NTPTime, report.RTPTime, now
}

// reported notes what a sender report says, whose time is at by our clock.
func (s *source) reported(report *rtcp.SenderReport, at, now time.Time) {
	if !s.plausible(report, now) {
		at = time.Time{}
		s.disbelieved++
	}
	s.clockAt, s.clockTimestamp, s.clockFrom = at, report.RTPTime, now
}

// timeOf is when the media of a timestamp was captured, by the newest report.
func (s *source) timeOf(timestamp, clockRate uint32) time.Time {
	ticks := int64(int32(timestamp - s.clockTimestamp))
	return s.clockAt.Add(time.Duration(ticks) * time.Second / time.Duration(clockRate))
}

// lost is how many packets did not come on their own stream, in all.
func (s *source) lost() int64 {
	if !s.begun {
		return 0
	}
	return max(0, s.restarts+s.highest+1-s.base-int64(s.packets))
}

// reception is the stream's block in a receiver report (RFC 3550 6.4.1, A.3).
func (s *source) reception(now time.Time) rtcp.ReceptionReport {
	expected := s.highest + 1 - s.base
	lost := (expected - s.expectedBefore) - int64(s.packets-s.receivedBefore)
	s.fraction = 0
	if passed := expected - s.expectedBefore; passed > 0 && lost > 0 {
		s.fraction = uint8(min(lost<<8/passed, 255))
	}
	s.expectedBefore, s.receivedBefore = expected, s.packets
	r := rtcp.ReceptionReport{
		SSRC: s.ssrc, FractionLost: s.fraction, TotalLost: uint32(min(s.lost(), 1<<23-1)),
		LastSequenceNumber: uint32(s.highest), Jitter: uint32(s.jitter),
	}
	if s.reportNTP != 0 {
		r.LastSenderReport = uint32(s.reportNTP >> 16)
		r.Delay = uint32(now.Sub(s.reportAt) * 65536 / time.Second)
	}
	return r
}
