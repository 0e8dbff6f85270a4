package egress

import "time"

// Stats is a snapshot of what the player says of one section.
type Stats struct {
	SSRC         uint32
	RTT          time.Duration // 0: not known yet
	FractionLost float64       // of the last interval, 0 to 1
	Lost         int32         // packets, in all
	Jitter       time.Duration
	Reports      uint64 // receiver reports that came
	NACKs        uint64 // RTCP packets, not packets asked for
	KeyFrames    uint64 // asked for, by PLI or FIR
	Junk         uint64 // datagrams that were no RTCP, or too much of it
}

func (f *feedback) snapshot() Stats {
	st := Stats{
		SSRC:         f.track.ssrc,
		RTT:          time.Duration(f.rtt.Load()),
		FractionLost: float64(f.fraction.Load()) / 256,
		Lost:         f.lost.Load(),
		Reports:      f.reports.Load(),
		NACKs:        f.nacks.Load(),
		KeyFrames:    f.keyFrames.Load(),
		Junk:         f.junk.Load(),
	}
	if rate := time.Duration(f.track.section.Format.ClockRate); rate > 0 {
		st.Jitter = time.Duration(f.jitter.Load()) * time.Second / rate
	}
	return st
}
