package negotiate

import (
	"fmt"
	"strconv"
	"strings"

	"weir/internal/wish"
)

// Bounds of an offer. The endpoint bounds its size; these keep an answer below what clients can read.
const (
	maxSections    = 16 // a player needs two or three; each refused one costs some 250 bytes of the answer
	maxTokenLength = 64 // mids, protocols, media kinds, payload types: all are echoed
)

// description is a session description as far as a player's offer needs it: the origin, and the attributes of the session
// and of each media section.
//
// It is read here and not by pion/sdp, which refuses a whole description for a kind of media or a protocol that it does not
// know (RFC 3264 6 wants just that section refused), lets carriage returns through in the middle of values, and cannot say
// in which line it failed.
type description struct {
	origin     string // the o= line's value
	attributes attributes
	media      []media
}

// media is one m= section.
type media struct {
	kind       string
	port       int
	proto      string
	formats    []string
	attributes attributes
}

// attribute is one a= line; a property has no value.
type attribute struct{ key, value string }

type attributes []attribute

// first returns the value of the first attribute of that name.
func (a attributes) first(key string) (value string, found bool) {
	for _, attribute := range a {
		if attribute.key == key {
			return attribute.value, true
		}
	}
	return "", false
}

// has says whether there is an attribute of that name.
func (a attributes) has(key string) bool {
	_, found := a.first(key)
	return found
}

// all returns the values of all attributes of that name, in order.
func (a attributes) all(key string) []string {
	var values []string
	for _, attribute := range a {
		if attribute.key == key {
			values = append(values, attribute.value)
		}
	}
	return values
}

// parseOffer reads a session description by RFC 8866 5, with line ends CRLF or LF, and blank lines skipped. What an
// offer does not need is not checked. The error is a *wish.Refusal (400) that names the line.
func parseOffer(text string) (*description, error) {
	d := &description{}
	var seen strings.Builder // the types of the lines so far, without attributes and the like
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		if err := checkLine(line); err != nil {
			return nil, malformed(number, err)
		}
		kind, value := line[0], line[2:]
		if order := seen.String(); len(order) < len("vost") {
			if want := nextType(order, kind); want != 0 && want != kind {
				return nil, malformed(number, fmt.Errorf("expected %c= here", want))
			}
		}
		switch kind {
		case 'v', 'o', 's', 't':
			if seen.Len() < len("vost") {
				seen.WriteByte(kind)
			}
		default:
		}
		if err := d.add(kind, value); err != nil {
			return nil, malformed(number, err)
		}
	}
	if seen.String() != "vost" {
		return nil, refuse(400, "sdp_malformed", "The body is no session description: it ends before the t= line.",
			"Send a complete SDP offer, as createOffer makes it.")
	}
	return d, nil
}

// WellFormed refuses an offer that is no session description, and looks no further.
func WellFormed(offer string) error {
	_, err := parseOffer(offer)
	return err
}

// nextType returns the type that the next line must have after those seen, 0 when kind is fine: v=, o=, s= open a
// description in this order, and t= comes before attributes and media (RFC 8866 5).
func nextType(seen string, kind byte) byte {
	if len(seen) < len("vos") {
		return "vos"[len(seen)]
	}
	if kind == 'a' || kind == 'm' {
		return 't'
	}
	return 0
}

// checkLine wants "x=" followed by no control character but tab.
func checkLine(line string) error {
	if len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' {
		return fmt.Errorf("not a line of the form x=value")
	}
	for i := range len(line) {
		if c := line[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return fmt.Errorf("a control character")
		}
	}
	return nil
}

// add takes one line of the given type.
func (d *description) add(kind byte, value string) error {
	switch kind {
	case 'v':
		if value != "0" || len(d.media) > 0 {
			return fmt.Errorf("only v=0 is known")
		}
	case 'o':
		if len(strings.Fields(value)) != 6 {
			return fmt.Errorf("an origin has six fields")
		}
		d.origin = value
	case 'a':
		key, value, _ := strings.Cut(value, ":")
		a := attribute{key: strings.TrimSpace(key), value: strings.TrimSpace(value)}
		if n := len(d.media); n > 0 {
			d.media[n-1].attributes = append(d.media[n-1].attributes, a)
		} else {
			d.attributes = append(d.attributes, a)
		}
	case 'm':
		if len(d.media) == maxSections {
			return fmt.Errorf("more than %d media sections", maxSections)
		}
		m, err := parseMedia(value)
		if err != nil {
			return err
		}
		d.media = append(d.media, m)
	default:
	}
	return nil
}

// parseMedia reads the value of an m= line (RFC 8866 5.14).
func parseMedia(value string) (media, error) {
	fields := strings.Fields(value)
	if len(fields) < 4 {
		return media{}, fmt.Errorf("a media line needs kind, port, protocol and formats")
	}
	port, _, _ := strings.Cut(fields[1], "/")
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return media{}, fmt.Errorf("a port is a number up to 65535")
	}
	if !token(fields[0]) || !token(strings.ReplaceAll(fields[2], "/", "")) || len(fields[2]) > maxTokenLength {
		return media{}, fmt.Errorf("the kind or the protocol is no token")
	}
	return media{kind: fields[0], port: int(number), proto: fields[2], formats: fields[3:]}, nil
}

// token says whether s is a token of RFC 8866 9, not too long to echo.
func token(s string) bool {
	if s == "" || len(s) > maxTokenLength {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c <= 0x20, c >= 0x7f, strings.IndexByte(`"(),/:;<=>?@[\]`, c) >= 0:
			return false
		}
	}
	return true
}

// malformed is the refusal of a description that does not parse. The line itself is not repeated: it may hold a secret.
func malformed(line int, err error) error {
	return refuse(400, "sdp_malformed", fmt.Sprintf("The body is no session description: line %d: %v.", line, err),
		"Send the SDP offer as createOffer makes it.")
}

// refuse makes a refusal without lists.
func refuse(status int, code, detail, remedy string) *wish.Refusal {
	return &wish.Refusal{Status: status, Code: code, Detail: detail, Remedy: remedy}
}
