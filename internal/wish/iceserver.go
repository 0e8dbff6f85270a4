package wish

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// An ICEServer is a STUN or TURN server that clients are told of (RFC 9725 4.6).
type ICEServer struct {
	URL        string // of the scheme stun, stuns (RFC 7064), turn or turns (RFC 7065)
	Username   string // of TURN only
	Credential string // of TURN only: a password
}

// errICEServer begins every error of ParseICEServer. The text of such an error
// holds nothing of what was parsed, since that may be a password.
var errICEServer = errors.New("not an ICE server")

// ParseICEServer reads "stun:host[:port]", "stuns:host[:port]" or
// "turn:username:credential@host[:port][?transport=udp|tcp]", also with turns:.
// Percent-encoding in username and credential is undone. It refuses what some
// client would take apart wrongly: commas, semicolons, quotes, apostrophes,
// backslashes, and everything that is not printable ASCII.
func ParseICEServer(s string) (ICEServer, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	scheme = strings.ToLower(scheme)
	turn := scheme == "turn" || scheme == "turns"
	if !ok || !turn && scheme != "stun" && scheme != "stuns" {
		return ICEServer{}, fmt.Errorf("%w: its scheme is none of stun, stuns, turn and turns", errICEServer)
	}
	if strings.HasPrefix(rest, "//") {
		return ICEServer{}, fmt.Errorf("%w: %s: is followed by //, which it is not", errICEServer, scheme)
	}
	var server ICEServer
	at := strings.LastIndexByte(rest, '@')
	if turn != (at >= 0) {
		return ICEServer{}, fmt.Errorf("%w: turn: and turns: need username:credential@, stun: and stuns: have none", errICEServer)
	}
	if turn {
		username, credential, _ := strings.Cut(rest[:at], ":")
		var err error
		if server.Username, err = unescape(username); err != nil {
			return ICEServer{}, fmt.Errorf("%w: username: %w", errICEServer, err)
		}
		if server.Credential, err = unescape(credential); err != nil {
			return ICEServer{}, fmt.Errorf("%w: credential: %w", errICEServer, err)
		}
		rest = rest[at+1:]
	}
	host, query, hasQuery := strings.Cut(rest, "?")
	if err := checkHost(host); err != nil {
		return ICEServer{}, fmt.Errorf("%w: %w", errICEServer, err)
	}
	if hasQuery && (!turn || query != "transport=udp" && query != "transport=tcp") {
		return ICEServer{}, fmt.Errorf("%w: after ? may stand transport=udp or transport=tcp, with turn: or turns: only", errICEServer)
	}
	server.URL = scheme + ":" + rest
	return server, nil
}

// unescape undoes percent-encoding and checks that what comes out can stand in
// a Link field in a way that every client reads the same.
func unescape(s string) (string, error) {
	plain, err := url.PathUnescape(s)
	if err != nil {
		return "", errors.New("bad percent-encoding")
	}
	if plain == "" {
		return "", errors.New("it is empty")
	}
	for _, c := range []byte(plain) {
		if c <= ' ' || c > '~' || strings.IndexByte(`,;"'\<>`, c) >= 0 {
			return "", errors.New("it may hold only printable ASCII, without blanks and without , ; \" ' \\ < >")
		}
	}
	return plain, nil
}

// checkHost accepts a name, an IPv4 address or an IPv6 address in brackets,
// with or without a port.
func checkHost(s string) error {
	host := s
	if h, port, err := net.SplitHostPort(s); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("the port is no number from 1 to 65535")
		}
		host = h
		if strings.HasPrefix(s, "[") {
			host = "[" + h + "]"
		}
	}
	if bare, ok := strings.CutPrefix(host, "["); ok {
		bare, closed := strings.CutSuffix(bare, "]")
		if ip := net.ParseIP(bare); !closed || ip == nil || !strings.Contains(bare, ":") {
			return errors.New("no IPv6 address between the brackets")
		}
		return nil
	}
	if host == "" {
		return errors.New("the host is missing")
	}
	for _, c := range []byte(host) {
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return errors.New("the host is neither a name nor an address; IPv6 addresses stand in brackets")
		}
	}
	return nil
}

// Link is the server as a Link field value (RFC 8288). Clients that split the
// value by hand depend on the order of the attributes, on their quotes, and on
// one field line for each server.
func (s ICEServer) Link() string {
	link := "<" + s.URL + `>; rel="ice-server"`
	if s.Username != "" || s.Credential != "" {
		link += `; username="` + s.Username + `"; credential="` + s.Credential + `"; credential-type="password"`
	}
	return link
}
