package wish

import (
	"slices"
	"strings"
)

// What a fragment may hold at most.
const (
	MaxFragment   = 64 << 10 // bytes
	MaxCandidates = 100      // distinct ones
)

// A Fragment is a body of type application/trickle-ice-sdpfrag (RFC 8840 4.4
// and 9): one side's candidates, and the credentials of the ICE session that
// they belong to.
type Fragment struct {
	Ufrag, Pwd string // ICE credentials: never log them
	Lite       bool   // a=ice-lite
	Options    string // tokens of a=ice-options, "" for none
	Pacing     string // a=ice-pacing in milliseconds, "" for none
	Sections   []FragmentSection
	// EndOfCandidates is a=end-of-candidates at session level: of all sections.
	EndOfCandidates bool

	// Leniencies names what ParseFragment let pass, each once: the Lenient
	// constants. It is not printed.
	Leniencies []string
}

// A FragmentSection is what a fragment says of one m= section. Only the first
// one may lack Media: it holds what stands above all m= lines.
type FragmentSection struct {
	Media           string   // "audio", "video", "application"; "" without m= line
	Mid             string   // RFC 5888; "" for none
	Candidates      []string // "candidate:...", in order
	EndOfCandidates bool
}

// Candidates returns the candidates of all sections, each once, in the order of
// their first mention: a bundled session has them in common (RFC 9143 7.1).
func (f Fragment) Candidates() []string {
	var all []string
	for _, section := range f.Sections {
		for _, candidate := range section.Candidates {
			if !slices.Contains(all, candidate) {
				all = append(all, candidate)
			}
		}
	}
	return all
}

// Ended says whether no more candidates follow (RFC 8838 13): said of the whole
// session or of any section, since there is one transport.
func (f Fragment) Ended() bool {
	return f.EndOfCandidates || slices.ContainsFunc(f.Sections, func(s FragmentSection) bool { return s.EndOfCandidates })
}

// String is the fragment on the wire, with CRLF line ends. The credentials stand
// in the first m= section, as in the examples of RFC 9725, or at session level
// if there is none.
func (f Fragment) String() string {
	var b strings.Builder
	line := func(parts ...string) {
		for _, part := range parts {
			b.WriteString(part)
		}
		b.WriteString("\r\n")
	}
	if f.Lite {
		line("a=ice-lite")
	}
	if f.Options != "" {
		line("a=ice-options:", f.Options)
	}
	if f.Pacing != "" {
		line("a=ice-pacing:", f.Pacing)
	}
	var mids []string
	for _, section := range f.Sections {
		if section.Media != "" && section.Mid != "" {
			mids = append(mids, section.Mid)
		}
	}
	if len(mids) > 0 {
		line("a=group:BUNDLE ", strings.Join(mids, " "))
	}
	credentials := func() {
		if f.Ufrag != "" {
			line("a=ice-ufrag:", f.Ufrag)
		}
		if f.Pwd != "" {
			line("a=ice-pwd:", f.Pwd)
		}
	}
	if !slices.ContainsFunc(f.Sections, func(s FragmentSection) bool { return s.Media != "" }) {
		credentials()
		credentials = func() {}
	}
	if f.EndOfCandidates {
		line("a=end-of-candidates")
	}
	for _, section := range f.Sections {
		if section.Media != "" {
			line("m=", section.Media, " 9 UDP/TLS/RTP/SAVPF 0")
			if section.Mid != "" {
				line("a=mid:", section.Mid)
			}
			credentials()
			credentials = func() {}
		}
		for _, candidate := range section.Candidates {
			line("a=", candidate)
		}
		if section.EndOfCandidates {
			line("a=end-of-candidates")
		}
	}
	return b.String()
}
