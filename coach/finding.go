package coach

import "time"

// A Code names what is wrong. It is stable.
type Code string

// What can be wrong.
const (
	// BFrames: pictures are sent in another order than they are shown in.
	BFrames Code = "b_frames"
	// ParameterSetsMissing: nobody can decode, since what describes the stream is missing.
	ParameterSetsMissing Code = "parameter_sets_missing"
	// GOPLong: key frames come rarely, and not when they are asked for.
	GOPLong Code = "gop_long"
	// GOPWandering: key frames come at irregular distances.
	GOPWandering Code = "gop_wandering"
	// KeyFrameUnanswered: key frames come often enough to get by, but not when they are asked for (PLI, FIR).
	KeyFrameUnanswered Code = "pli_unanswered"
	// Mono: stereo was declared.
	Mono Code = "audio_mono"
	// PacketLoss: packets are lost on the way here.
	PacketLoss Code = "packet_loss"
	// NACKUnanswered: packets that are asked for again do not come.
	NACKUnanswered Code = "nack_unanswered"
	// ClockDrift: timestamps advance faster or slower than time.
	ClockDrift Code = "clock_drift"
	// BitRateHigh: more is sent than the limit.
	BitRateHigh Code = "bit_rate_high"
)

// A Severity says how bad a finding is for viewers.
type Severity string

// The severities.
const (
	Warning Severity = "warning" // it works, but worse than it could
	Error   Severity = "error"   // the picture is broken, or there is none
)

// A Finding is one thing that a publisher should change.
type Finding struct {
	Code     Code
	Severity Severity
	Since    time.Time // when it was first seen
	Track    string    // media type of the track, "video/H264"; "" for all of the stream
	Text     string    // one sentence with what was measured, of late
	Remedies Remedies
}

// Remedies are what to set.
type Remedies struct{ OBS, FFmpeg, GStreamer string }

// A rule says how bad a finding is, and how many verdicts it takes to raise it,
// and in a row to clear it.
type rule struct {
	severity     Severity
	raise, clear int
}

// ruleOf is the rule for a code. What is judged at every look needs several;
// what is judged over a longer time needs few.
func ruleOf(c Code) rule {
	switch c {
	case BFrames:
		return rule{Error, 3, 10}
	case ParameterSetsMissing: // one verdict a key frame
		return rule{Error, 2, 3}
	case ClockDrift: // one verdict in ten seconds
		return rule{Warning, 1, 2}
	default:
		return rule{Warning, 5, 10}
	}
}
