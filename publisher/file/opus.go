package file

import "time"

// opusDuration is how long a packet lasts by its first bytes (RFC 6716 3.1); false if it is none.
func opusDuration(packet []byte) (time.Duration, bool) {
	if len(packet) == 0 {
		return 0, false
	}
	var frame time.Duration
	switch config := packet[0] >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [...]time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16: // hybrid: 10, 20 ms
		frame = [...]time.Duration{10, 20}[config&1] * time.Millisecond
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 2500 * time.Microsecond << (config & 3)
	}
	count := time.Duration(1)
	switch packet[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(packet) < 2 {
			return 0, false
		}
		count = time.Duration(packet[1] & 0x3f)
	}
	d := count * frame
	return d, d > 0 && d <= 120*time.Millisecond
}

// opusHead reads the identification header (RFC 7845 5.1).
func opusHead(b []byte) (channels int, preSkip time.Duration, ok bool) {
	if len(b) < 19 || string(b[:8]) != "OpusHead" || b[8]&0xf0 != 0 || b[9] == 0 {
		return 0, 0, false
	}
	samples := time.Duration(b[10]) | time.Duration(b[11])<<8
	return int(b[9]), samples * time.Second / 48000, true
}
