package wish

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// ParseFragment reads a fragment as leniently as RFC 8840 4.4 and 9.2 ask, and
// more, see the Lenient constants: the credentials may stand at session or media
// level, nothing but the mid counts of an m= section's description, attribute
// names are compared without case, what is not known is ignored. It does not
// look into candidates; those that cannot be used are for the session to drop.
//
// It refuses with 400 what is no fragment, with 413 what is longer than
// MaxFragment, and with 422 more than MaxCandidates distinct candidates or
// credentials that ICE does not allow (RFC 8839 5.4).
func ParseFragment(b []byte) (Fragment, error) {
	if len(b) > MaxFragment {
		return Fragment{}, &Refusal{
			Status: http.StatusRequestEntityTooLarge,
			Code:   "fragment_too_large",
			Detail: fmt.Sprintf("The body is longer than %d bytes.", MaxFragment),
			Remedy: "Send only the candidates that are new.",
		}
	}
	if !utf8.Valid(b) {
		return Fragment{}, malformed("fragment", "The body is no text.")
	}
	p := fragmentParser{seen: map[string]bool{}}
	for line := range strings.SplitSeq(string(b), "\n") {
		p.number++
		line, crlf := strings.CutSuffix(line, "\r")
		if line == "" {
			continue
		}
		if !crlf {
			p.lenient(LenientLineFeed)
		}
		if err := p.line(line); err != nil {
			return Fragment{}, err
		}
	}
	return p.finish()
}

type fragmentParser struct {
	f       Fragment
	number  int             // of the line, from 1
	content bool            // there was some line that says something
	seen    map[string]bool // the candidates so far

	// The credentials that stand in the section that is read.
	ufrag, pwd string
}

func (p *fragmentParser) lenient(name string) {
	if !slices.Contains(p.f.Leniencies, name) {
		p.f.Leniencies = append(p.f.Leniencies, name)
	}
}

func (p *fragmentParser) malformed(what string) error {
	return malformed("fragment", fmt.Sprintf("Line %d %s.", p.number, what))
}

func (p *fragmentParser) line(line string) error {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return p.malformed("holds control characters")
	}
	if len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' {
		return p.malformed(`is not of the form "a=..."`)
	}
	p.content = true
	value := line[2:]
	switch line[0] {
	case 'm':
		fields := strings.Fields(value)
		if len(fields) == 0 {
			return p.malformed("is an m= line without a medium")
		}
		p.endSection()
		p.f.Sections = append(p.f.Sections, FragmentSection{Media: fields[0]})
		return nil
	case 'a':
		name, value, _ := strings.Cut(value, ":")
		return p.attribute(strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value))
	default:
		p.lenient(LenientOtherLine)
		return nil
	}
}

func (p *fragmentParser) attribute(name, value string) error {
	switch name {
	case "":
		if value != "" {
			return p.malformed("is an attribute without a name")
		}
		p.lenient(LenientEmptyAttribute)
	case "ice-ufrag":
		p.ufrag = value
	case "ice-pwd":
		p.pwd = value
	case "ice-lite":
		p.f.Lite = true
	case "ice-options":
		p.f.Options = strings.Join(strings.Fields(value), " ")
	case "ice-pacing":
		p.f.Pacing = value
	case "mid":
		if section := p.section(); section != nil {
			section.Mid = value
		}
	case "candidate":
		return p.candidate(value)
	case "end-of-candidates":
		if section := p.section(); section != nil {
			section.EndOfCandidates = true
		} else {
			p.f.EndOfCandidates = true
		}
	}
	return nil
}

// section is the m= section that is read, nil above the first one.
func (p *fragmentParser) section() *FragmentSection {
	if n := len(p.f.Sections); n > 0 && p.f.Sections[n-1].Media != "" {
		return &p.f.Sections[n-1]
	}
	return nil
}

func (p *fragmentParser) candidate(value string) error {
	if value == "" {
		p.lenient(LenientEmptyAttribute) // an end-of-candidates of old (RFC 8840 4.1)
		return nil
	}
	fields := strings.Fields(value)
	if len(fields) > 1 && fields[1] == "0" {
		fields[1] = "1"
		p.lenient(LenientComponent)
	}
	candidate := "candidate:" + strings.Join(fields, " ")
	if !p.seen[candidate] && len(p.seen) == MaxCandidates {
		return &Refusal{
			Status: http.StatusUnprocessableEntity,
			Code:   "too_many_candidates",
			Detail: fmt.Sprintf("The fragment has more than %d candidates.", MaxCandidates),
			Remedy: "Send only those that the server could reach.",
		}
	}
	p.seen[candidate] = true
	if len(p.f.Sections) == 0 {
		p.f.Sections = append(p.f.Sections, FragmentSection{})
	}
	section := &p.f.Sections[len(p.f.Sections)-1]
	if !slices.Contains(section.Candidates, candidate) {
		section.Candidates = append(section.Candidates, candidate)
	}
	return nil
}

// endSection settles the credentials of what was read since the last m= line.
// The first ones count for the whole fragment. A section with others belongs to
// a transport that bundling has done away with: its candidates are dropped.
func (p *fragmentParser) endSection() {
	ufrag, pwd := p.ufrag, p.pwd
	p.ufrag, p.pwd = "", ""
	differ := func(own, first string) bool { return own != "" && first != "" && own != first }
	if differ(ufrag, p.f.Ufrag) || differ(pwd, p.f.Pwd) {
		if section := p.section(); section != nil {
			section.Candidates, section.EndOfCandidates = nil, false
		}
		p.lenient(LenientCredentials)
		return
	}
	p.f.Ufrag, p.f.Pwd = cmp.Or(p.f.Ufrag, ufrag), cmp.Or(p.f.Pwd, pwd)
}

func (p *fragmentParser) finish() (Fragment, error) {
	p.endSection()
	if !p.content {
		return Fragment{}, malformed("fragment", "The body is empty.")
	}
	if err := checkCredentials(p.f.Ufrag, p.f.Pwd); err != nil {
		return Fragment{}, err
	}
	if p.section() == nil {
		p.lenient(LenientNoMedia)
	}
	return p.f, nil
}

// checkCredentials refuses credentials of a length that ICE does not allow
// (RFC 8839 5.4). Either may be missing. Characters beyond ice-char are let
// pass, except blanks.
func checkCredentials(ufrag, pwd string) error {
	const (
		ufragLeast, pwdLeast = 4, 22
		most                 = 256
	)
	bad := func(s string, least int) bool {
		return s != "" && (len(s) < least || len(s) > most || strings.ContainsAny(s, " \t"))
	}
	if bad(ufrag, ufragLeast) || bad(pwd, pwdLeast) {
		return &Refusal{
			Status: http.StatusUnprocessableEntity,
			Code:   "ice_credentials",
			Detail: fmt.Sprintf("An ICE ufrag has %d to %d characters, a pwd %d to %d.", ufragLeast, most, pwdLeast, most),
			Remedy: "Send those of the session, or new ones that are as long to restart ICE.",
		}
	}
	return nil
}
