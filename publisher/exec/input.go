package exec

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// An input is something to open, checked.
type input struct {
	format  string // of FFmpeg; "": it finds out
	address string // what stands behind -i; holds secrets
	shown   string // the same without them
	secrets []string
	scheme  scheme
	name    string // of the scheme, of a device's format, or lavfi
	host    string // a name or an address; "": there is none
	port    string // of the host
	raw     bool   // pictures and sounds come as they are
}

// errInput says what an input is.
var errInput = errors.New("must be a URL, a device such as v4l2:/dev/video0, or lavfi: and a graph; URLs are of the schemes " +
	strings.Join(slices.Sorted(maps.Keys(schemes())), ", "))

// parse checks what is to be opened. The error is what a person is told of the parameter "input", in words that follow its name.
func (a Allowed) parse(p Params) (input, error) {
	text := p.Input
	for _, c := range []byte(text + p.User + p.Password) { // FFmpeg puts the last two into header fields
		if c < 0x20 || c == 0x7f {
			return input{}, errors.New("must not hold control characters, and neither must user and password")
		}
	}
	name, rest, ok := strings.Cut(text, ":")
	switch {
	case !ok:
		return input{}, fmt.Errorf("%w; files are played by the source \"file\"", errInput)
	case strings.EqualFold(name, formatLavfi):
		return a.graph(rest)
	case slices.Contains(devices(), name):
		if !slices.Contains(a.exact, text) {
			return input{}, fmt.Errorf("is not allowed: %s does not list %q", Key, text)
		}
		return input{format: name, name: name, address: rest, shown: text, raw: true, scheme: scheme{live: true}}, nil
	case strings.HasPrefix(rest, "//"):
		return a.url(p)
	default:
		return input{}, errInput
	}
}

// url checks a URL and puts it together anew.
func (a Allowed) url(p Params) (input, error) {
	name, rest, _ := strings.Cut(p.Input, "://")
	name = strings.ToLower(name)
	s, known := schemes()[name]
	if !known {
		if name == "file" {
			return input{}, errors.New("must be no file: files are played by the source \"file\", from the media folder")
		}
		return input{}, errInput
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, rest := rest[:end], rest[end:]
	if strings.Contains(authority, "@") {
		return input{}, errors.New("must hold no user and no password: they are parameters of their own, \"user\" and \"password\"")
	}
	path, query, _ := strings.Cut(rest, "?")
	if strings.Contains(rest, "#") || !plainURL(path) || !plainURL(query) {
		return input{}, errors.New("must have % codes in place of spaces, #, quotes and other special characters")
	}
	host, port, err := splitAuthority(authority)
	switch {
	case errors.Is(err, errPort) || port == anyPort:
		return input{}, errPort
	case err != nil || strings.HasPrefix(host, ".") || host == "" && !s.listens:
		return input{}, errHost
	}
	dial := port
	if dial == "" {
		dial = s.port
	}
	if dial == "" {
		return input{}, fmt.Errorf("must name a port: %s has no usual one", name)
	}
	if err := a.host(name, host, dial); err != nil {
		return input{}, err
	}
	if err := s.shows(rest); err != nil {
		return input{}, err
	}
	for _, q := range []string{query, p.Query} {
		if err := s.query(q); err != nil {
			return input{}, err
		}
	}
	in := input{format: s.format, name: name, scheme: s, host: host, port: dial}
	in.shown = name + "://" + joinAuthority(host, port) + path
	user := ""
	if p.User != "" || p.Password != "" {
		user = url.UserPassword(p.User, p.Password).String() + "@"
		in.secrets = append(in.secrets, user, p.Password, url.QueryEscape(p.Password), url.PathEscape(p.Password))
	}
	in.address = name + "://" + user + joinAuthority(host, port) + path
	if query = strings.Trim(query+"&"+p.Query, "&"); query != "" {
		in.address += "?" + query
		in.secrets = append(in.secrets, query, p.Query)
	}
	return in, nil
}

// shows returns an error unless what follows the host may be shown: what a server reads of a query may be a key.
func (s scheme) shows(rest string) error {
	_, query, ok := strings.Cut(rest, "?")
	if ok && s.queries == nil {
		return errors.New("must end before its ?: what follows it is the parameter \"query\", which is never shown")
	}
	for pair := range strings.SplitSeq(query, "&") {
		if key, _, _ := strings.Cut(pair, "="); key == "passphrase" || key == "streamid" {
			return fmt.Errorf("must not hold its %s: it belongs into the parameter \"query\", which is never shown", key)
		}
	}
	return nil
}

// query returns an error for keys that FFmpeg would take for options and that are not allowed.
func (s scheme) query(text string) error {
	if !plainURL(text) {
		return errors.New("must have a query of key=value pairs, with % codes for special characters")
	}
	for pair := range strings.SplitSeq(text, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if s.queries != nil && key != "" && !slices.Contains(s.queries, key) {
			return fmt.Errorf("must not set %s in its query, of which this scheme takes %s", key, strings.Join(s.queries, ", "))
		}
	}
	return nil
}

// plainURL says whether only those characters are there that stand for themselves in a URL (RFC 3986 2, without #).
func plainURL(text string) bool {
	for _, c := range []byte(text) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~!$&'()*+,;=:@%/?", c) >= 0:
		default:
			return false
		}
	}
	return true
}
