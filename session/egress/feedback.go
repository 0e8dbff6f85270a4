package egress

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

// feedback is what the player says of one of our streams by RTCP. Its read runs
// in one goroutine until the sender is closed; its counters are for any.
type feedback struct {
	// static after Sender.Join
	track *trackLocal

	nacks, keyFrames, reports, junk atomic.Uint64
	rtt                             atomic.Int64  // of the last report, nanoseconds; 0: not known
	lost                            atomic.Int32  // packets in all, as the player counts
	fraction                        atomic.Uint32 // lost of the last interval, in 1/256
	jitter                          atomic.Uint32 // clock rate units
}

// maxRTCPPackets is how many packets of one compound are looked at; a player's
// have three or four.
const maxRTCPPackets = 32

// receiveBuffer is the largest RTCP datagram that is read, pion's own limit.
const receiveBuffer = 1500

// read handles the player's RTCP until the session is closed.
func (f *feedback) read() {
	b := make([]byte, receiveBuffer)
	for {
		n, _, err := f.track.sender.Read(b)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(b[:n])
		if err != nil || len(packets) > maxRTCPPackets {
			f.junk.Add(1)
		}
		for _, p := range packets[:min(len(packets), maxRTCPPackets)] {
			f.handle(p)
		}
	}
}

// handle takes one packet. Those about the session's other stream come here
// too, when they share a datagram.
func (f *feedback) handle(p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		if p.MediaSSRC == f.track.ssrc {
			f.nacks.Add(1)
			f.track.down.NACK(p.Nacks)
		}
	case *rtcp.PictureLossIndication:
		if p.MediaSSRC == f.track.ssrc {
			f.keyFrames.Add(1)
			f.track.down.RequestKeyFrame()
		}
	case *rtcp.FullIntraRequest:
		for _, entry := range p.FIR {
			if entry.SSRC == f.track.ssrc {
				f.keyFrames.Add(1)
				f.track.down.RequestKeyFrame()
				break
			}
		}
	case *rtcp.ReceiverReport:
		f.reception(p.Reports)
	case *rtcp.SenderReport:
		f.reception(p.Reports)
	}
}

func (f *feedback) reception(reports []rtcp.ReceptionReport) {
	for _, r := range reports {
		if r.SSRC != f.track.ssrc {
			continue
		}
		f.reports.Add(1)
		f.fraction.Store(uint32(r.FractionLost))
		f.lost.Store(int32(r.TotalLost<<8) >> 8) // 24 bits, signed
		f.jitter.Store(r.Jitter)
		rtt := roundTrip(time.Now(), r.LastSenderReport, r.Delay)
		if rtt > 0 {
			f.rtt.Store(int64(rtt))
		}
		f.track.down.Reception(r.FractionLost, rtt)
	}
}

// roundTrip is RFC 3550 6.4.1's: from the middle 32 bits of the NTP time of our
// last sender report, and the time the player held it in 1/65536 s. It is 0
// when not known or absurd.
func roundTrip(now time.Time, lastReport, delay uint32) time.Duration {
	if lastReport == 0 {
		return 0
	}
	const ntpEpoch = 2208988800 // seconds from 1900 to 1970
	since := now.UnixNano()
	seconds, nanos := since/int64(time.Second)+ntpEpoch, since%int64(time.Second)
	middle := uint32(seconds)<<16 | uint32(nanos<<16/int64(time.Second))
	units := int32(middle - lastReport - delay)
	if units < 0 || units > 60<<16 {
		return 0
	}
	return max(time.Duration(units)*time.Second>>16, time.Microsecond)
}
