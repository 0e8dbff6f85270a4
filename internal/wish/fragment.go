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
	var b fragmentPrinter
	if f.Lite {
		b.line("ice-lite", "")
	}
	b.line("ice-options:", f.Options)
	b.line("ice-pacing:", f.Pacing)
	media, mids := false, ""
	for _, section := range f.Sections {
		media = media || section.Media != ""
		if section.Media != "" && section.Mid != "" {
			mids += " " + section.Mid
		}
	}
	b.line("group:BUNDLE ", strings.TrimPrefix(mids, " "))
	if !media {
		b.credentials(&f)
	}
	if f.EndOfCandidates {
		b.line("end-of-candidates", "")
	}
	for _, section := range f.Sections {
		if section.Media != "" {
			b.text.WriteString("m=" + section.Media + " 9 UDP/TLS/RTP/SAVPF 0\r\n")
			b.line("mid:", section.Mid)
			b.credentials(&f)
		}
		for _, candidate := range section.Candidates {
			b.line(candidate, "")
		}
		if section.EndOfCandidates {
			b.line("end-of-candidates", "")
		}
	}
	return b.text.String()
}

// A fragmentPrinter collects the lines of a fragment.
type fragmentPrinter struct {
	text strings.Builder
	done bool // the credentials are in
}

// line adds an attribute. One that has a value, so that its name ends in a colon
// or a blank, is left out without.
func (p *fragmentPrinter) line(name, value string) {
	if value == "" && (strings.HasSuffix(name, ":") || strings.HasSuffix(name, " ")) {
		return
	}
	p.text.WriteString("a=" + name + value + "\r\n")
}

// credentials adds the credentials, once.
func (p *fragmentPrinter) credentials(f *Fragment) {
	if p.done {
		return
	}
	p.done = true
	p.line("ice-ufrag:", f.Ufrag)
	p.line("ice-pwd:", f.Pwd)
}
