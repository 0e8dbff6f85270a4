package wish

import (
	"slices"
	"strings"
)

// A Match is the If-Match precondition of a request (RFC 9110 13.1.1). The zero
// value is a request that has none.
type Match struct {
	tags       []string // entity-tags as sent, weak ones with their W/
	present    bool
	star       bool // * or, as a leniency, "*"
	quotedStar bool
}

// ParseIfMatch reads the values of all If-Match fields of a request: a star, or
// lists of entity-tags. It refuses with 400 what is neither.
func ParseIfMatch(values []string) (Match, error) {
	if len(values) == 0 {
		return Match{}, nil
	}
	m := Match{present: true}
	// Several fields of one name mean the same as one with a comma between
	// them (RFC 9110 5.3).
	rest := strings.Join(values, ",")
	if strings.Trim(rest, " \t") == "*" {
		m.star = true
		return m, nil
	}
	for {
		rest = strings.TrimLeft(rest, ", \t") // empty elements are allowed (RFC 9110 5.6.1.2)
		if rest == "" {
			break
		}
		tag, after, ok := cutEntityTag(rest)
		if !ok {
			return Match{}, malformed("if_match", "If-Match is neither * nor a list of entity-tags, which stand in double quotes.")
		}
		if tag == `"*"` {
			m.star, m.quotedStar = true, true
		}
		m.tags = append(m.tags, tag)
		after = strings.TrimLeft(after, " \t")
		if after != "" && after[0] != ',' {
			return Match{}, malformed("if_match", "The entity-tags in If-Match have no comma between them.")
		}
		rest = after
	}
	if len(m.tags) == 0 {
		return Match{}, malformed("if_match", "If-Match is empty.")
	}
	return m, nil
}

// cutEntityTag takes one entity-tag from the front of s (RFC 9110 8.8.3). Commas
// and backslashes are ordinary characters inside.
func cutEntityTag(s string) (tag, after string, ok bool) {
	opaque, weak := strings.CutPrefix(s, "W/")
	if opaque == "" || opaque[0] != '"' {
		return "", "", false
	}
	for i := 1; i < len(opaque); i++ {
		c := opaque[i]
		if c == '"' {
			end := i + 1
			if weak {
				end += len("W/")
			}
			return s[:end], s[end:], true
		}
		if c <= ' ' || c == 0x7f {
			return "", "", false
		}
	}
	return "", "", false
}

// Missing says that the request has no If-Match.
func (m Match) Missing() bool { return !m.present }

// Any says that the request takes any entity-tag: *, or "*" as a leniency.
func (m Match) Any() bool { return m.star }

// Matches says whether the precondition holds for the current entity-tag, given
// as in the ETag field with its quotes. Any holds always. Weak tags match
// nothing: the comparison is the strong one (RFC 9110 8.8.3.2).
func (m Match) Matches(etag string) bool {
	if m.star {
		return true
	}
	return etag != "" && etag[0] == '"' && slices.Contains(m.tags, etag)
}
