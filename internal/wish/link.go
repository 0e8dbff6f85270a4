package wish

import "strings"

// What of Link fields is read at most.
const (
	maxLinkText  = 16 << 10 // bytes of one field line
	maxLinkItems = 16       // ICE servers
)

// ParseLinks reads the ICE servers that Link fields name (RFC 9725 4.6, RFC 8288 3): those that ParseICEServer could have
// made. All other links, and what cannot be read, are left out.
func ParseLinks(values []string) []ICEServer {
	var all []ICEServer
	for _, value := range values {
		if len(value) > maxLinkText {
			continue
		}
		for s := (linkScanner{value}); s.rest != "" && len(all) < maxLinkItems; {
			if server, ok := s.server(); ok {
				all = append(all, server)
			}
		}
	}
	return all
}

// A linkScanner reads one field value; rest is what is not read yet.
type linkScanner struct{ rest string }

// server reads one link, and says whether it is one of an ICE server.
func (s *linkScanner) server() (ICEServer, bool) {
	_, after, ok := strings.Cut(s.rest, "<")
	target, after, closed := strings.Cut(after, ">")
	if !ok || !closed {
		s.rest = ""
		return ICEServer{}, false
	}
	s.rest = after
	values := map[string]string{} // the first of a name counts
	for {
		s.blanks()
		if s.rest == "" || s.rest[0] != ';' {
			break
		}
		s.rest = s.rest[1:]
		name, value := s.parameter()
		if _, twice := values[name]; !twice {
			values[name] = value
		}
	}
	if _, after, more := strings.Cut(s.rest, ","); more {
		s.rest = after
	} else {
		s.rest = ""
	}
	for relation := range strings.FieldsSeq(values["rel"]) {
		if strings.EqualFold(relation, "ice-server") {
			return namedServer(target, values["username"], values["credential"])
		}
	}
	return ICEServer{}, false
}

// parameter reads NAME, NAME=TOKEN or NAME="TEXT".
func (s *linkScanner) parameter() (name, value string) {
	s.blanks()
	name = strings.ToLower(s.until("=;, \t"))
	s.blanks()
	if !strings.HasPrefix(s.rest, "=") {
		return name, ""
	}
	s.rest = s.rest[1:]
	s.blanks()
	if !strings.HasPrefix(s.rest, `"`) {
		return name, s.until(";, \t")
	}
	var text strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return name, text.String()
		case c == '\\' && i+1 < len(s.rest):
			i++
			text.WriteByte(s.rest[i])
		default:
			text.WriteByte(c)
		}
	}
	s.rest = ""
	return name, ""
}

func (s *linkScanner) blanks() { s.rest = strings.TrimLeft(s.rest, " \t") }

// until reads up to one of the characters.
func (s *linkScanner) until(ends string) string {
	n := strings.IndexAny(s.rest, ends)
	if n < 0 {
		n = len(s.rest)
	}
	text := s.rest[:n]
	s.rest = s.rest[n:]
	return text
}

// namedServer is a server that somebody else names.
func namedServer(target, username, credential string) (ICEServer, bool) {
	scheme, rest, ok := strings.Cut(target, ":")
	scheme = strings.ToLower(scheme)
	host, query, _ := strings.Cut(rest, "?")
	if !ok || checkHost(host) != nil {
		return ICEServer{}, false
	}
	server := ICEServer{URL: scheme + ":" + rest}
	switch scheme {
	case "stun", "stuns":
		return server, query == ""
	case "turn", "turns":
		server.Username, server.Credential = username, credential
		return server, username != "" && credential != "" && (query == "" || query == "transport=udp" || query == "transport=tcp")
	default:
		return ICEServer{}, false
	}
}
