package media

import "time"

// opusDuration is how long a packet lasts by its first bytes (RFC 6716 3.1); false if it is none.
func opusDuration(packet []byte) (time.Duration, bool) {
	if len(packet) == 0 {
		return 0, false
	}
	var frame int // microseconds
	switch config := packet[0] >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [...]int{10_000, 20_000, 40_000, 60_000}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		frame = [...]int{10_000, 20_000}[config&1]
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 2500 << (config & 3)
	}
	count := 1
	switch packet[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(packet) < 2 {
			return 0, false
		}
		count = int(packet[1] & 0x3f)
	}
	d := time.Duration(count*frame) * time.Microsecond
	return d, d > 0 && d <= 120*time.Millisecond
}

// OpusHead reads the identification header (RFC 7845 5.1).
func OpusHead(b []byte) (channels int, preSkip time.Duration, ok bool) {
	if len(b) < 19 || string(b[:8]) != "OpusHead" || b[8]&0xf0 != 0 || b[9] == 0 {
		return 0, 0, false
	}
	samples := int(b[10]) | int(b[11])<<8
	return int(b[9]), time.Duration(samples) * time.Second / 48000, true
}
