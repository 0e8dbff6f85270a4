package relay

import "time"

// longSilence is for how long nothing may come in a session that is connected
// until that is told.
const longSilence = 5 * time.Second

// A silence is what nothing comes in. It is for one goroutine and one session.
type silence struct {
	most    time.Duration
	packets uint64
	since   time.Time // of the first look, or of the newest at which something had come
}

// why looks at a session that is connected, in which so many packets have come,
// begun where something can be shown of them. It says why nothing plays, "" where
// something does or may soon.
func (s *silence) why(now time.Time, packets uint64, begun bool) string {
	if s.since.IsZero() || begun && packets != s.packets {
		s.packets, s.since = packets, now
	}
	switch {
	case now.Sub(s.since) < s.most:
		return ""
	case !begun:
		return "the server is connected, and nothing that can be shown has come from it yet"
	default:
		return "the server is connected, and nothing comes from it any more"
	}
}
