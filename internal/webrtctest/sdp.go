package webrtctest

import (
	"strings"
)

// Lines splits an SDP or a fragment into its lines, without their ends.
func Lines(sdp string) []string {
	return strings.FieldsFunc(sdp, func(r rune) bool { return r == '\r' || r == '\n' })
}

// WithoutLines returns the SDP without the lines that begin with any prefix.
func WithoutLines(sdp string, prefixes ...string) string {
	var b strings.Builder
next:
	for _, line := range Lines(sdp) {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				continue next
			}
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

// WithoutCandidates returns the SDP as it is before any candidate was found.
func WithoutCandidates(sdp string) string {
	return WithoutLines(sdp, "a=candidate:", "a=end-of-candidates")
}

// Values returns the values of all lines with this prefix, in order.
func Values(sdp, prefix string) []string {
	var values []string
	for _, line := range Lines(sdp) {
		if value, ok := strings.CutPrefix(line, prefix); ok {
			values = append(values, value)
		}
	}
	return values
}

// Value returns the value of the first line with this prefix, "" for none.
func Value(sdp, prefix string) string {
	if values := Values(sdp, prefix); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Sections splits an SDP at its m= lines; the first element is what stands above
// them.
func Sections(sdp string) []string {
	parts := strings.Split(sdp, "\nm=")
	for i := range parts[1:] {
		parts[i] += "\n"
		parts[i+1] = "m=" + parts[i+1]
	}
	return parts
}

// Fragment makes a body of type application/trickle-ice-sdpfrag of an SDP: what
// its first m= section says of ICE (RFC 8840 9).
func Fragment(sdp string) string {
	sections := Sections(sdp)
	if len(sections) == 1 {
		return ""
	}
	var b strings.Builder
	for _, group := range Values(sections[0], "a=group:BUNDLE") {
		b.WriteString("a=group:BUNDLE" + group + "\r\n")
	}
	for _, line := range Lines(sections[1]) {
		for _, prefix := range []string{"m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates"} {
			if strings.HasPrefix(line, prefix) {
				b.WriteString(line + "\r\n")
			}
		}
	}
	return b.String()
}

// withICE returns an SDP with the credentials and candidates of a fragment in
// place of its own.
func withICE(sdp, fragment string) string {
	var b strings.Builder
	sections := Sections(WithoutCandidates(sdp))
	for i, section := range sections {
		for _, line := range Lines(section) {
			switch {
			case strings.HasPrefix(line, "a=ice-ufrag:"):
				line = "a=ice-ufrag:" + Value(fragment, "a=ice-ufrag:")
			case strings.HasPrefix(line, "a=ice-pwd:"):
				line = "a=ice-pwd:" + Value(fragment, "a=ice-pwd:")
			}
			b.WriteString(line + "\r\n")
		}
		if i == 1 {
			for _, candidate := range Values(fragment, "a=candidate:") {
				b.WriteString("a=candidate:" + candidate + "\r\n")
			}
		}
	}
	return b.String()
}
