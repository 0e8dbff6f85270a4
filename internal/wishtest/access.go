//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// guarded is a server like s at which making a session needs a token.
func guarded(t *testing.T, s *Server) *Server {
	t.Helper()
	return s.New(t, Setup{Guarded: true})
}

// postWith posts a good offer with further header fields.
func (s *Server) postWith(t *testing.T, fields ...string) Made {
	t.Helper()
	offer := s.Offer(t, Way{})
	reply := s.Do(t, "POST", s.Endpoint(), offer, append([]string{"Content-Type", sdpType}, fields...)...)
	return s.made(t, reply, offer)
}

func wantChallenge(t *testing.T, reply *webrtctest.Reply, status int, contains string) {
	t.Helper()
	WantStatus(t, reply, status)
	challenge := reply.Header.Get("WWW-Authenticate")
	if scheme, _, _ := strings.Cut(challenge, " "); scheme != "Bearer" || !strings.Contains(challenge, contains) {
		t.Errorf("WWW-Authenticate is %q, want Bearer with %q", challenge, contains)
	}
	if contains == "" && strings.Contains(challenge, "error=") {
		t.Errorf("a request without a token is told of an error: %q", challenge)
	}
	if origin := reply.Header.Get("Access-Control-Allow-Origin"); origin != "*" {
		t.Errorf("a page cannot read the refusal: Access-Control-Allow-Origin is %q", origin)
	}
	wantNames(t, reply, "Access-Control-Expose-Headers", "www-authenticate")
}

// Section 7 of the rules: bearer tokens.
func accessRules() map[string]Check {
	return map[string]Check{
		"xx-108": func(t *testing.T, s *Server) {
			g := guarded(t, s)
			WantStatus(t, g.postWith(t).Reply, http.StatusUnauthorized)
			m := g.postWith(t, Bearer(g.Token)...)
			WantStatus(t, m.Reply, http.StatusCreated)
			WantStatus(t, g.Do(t, "PATCH", m.URL, m.frag(),
				append(Bearer(g.Token), "Content-Type", fragmentType, "If-Match", m.ETag)...), http.StatusNoContent)
			WantStatus(t, g.Do(t, "DELETE", m.URL, "", Bearer(g.Token)...), http.StatusOK)
			g.opened(t, Way{Trickle: true, Fields: Bearer(g.Token)})
		},
		"xx-16": func(t *testing.T, s *Server) {
			g := guarded(t, s)
			wantChallenge(t, g.postWith(t).Reply, http.StatusUnauthorized, "")
			// A preflight never carries a token.
			g.preflight(t, g.Endpoint(), "POST", "authorization,content-type")
			// Nobody learns by it which streams there are.
			other := strings.TrimSuffix(g.Endpoint(), "test") + "nobody"
			reply := g.Do(t, "POST", other, g.Offer(t, Way{}), "Content-Type", sdpType)
			wantChallenge(t, reply, http.StatusUnauthorized, "")
		},
		"xx-17": func(t *testing.T, s *Server) {
			g := guarded(t, s)
			wantChallenge(t, g.postWith(t, Bearer("another")...).Reply, http.StatusUnauthorized, `error="invalid_token"`)
			wantChallenge(t, g.postWith(t, Bearer(g.Powerless)...).Reply, http.StatusForbidden, `error="insufficient_scope"`)
		},
		"xx-109": func(t *testing.T, s *Server) {
			g := guarded(t, s)
			for _, fields := range [][]string{nil, Bearer(g.Token), Bearer("another")} {
				m := g.postWith(t, Bearer(g.Token)...)
				WantStatus(t, m.Reply, http.StatusCreated)
				WantStatus(t, g.Do(t, "PATCH", m.URL, m.frag(),
					append(fields, "Content-Type", fragmentType, "If-Match", m.ETag)...), http.StatusNoContent)
				WantStatus(t, g.Do(t, "DELETE", m.URL, "", fields...), http.StatusOK)
			}
		},
	}
}

func breakAccess() map[string]Breaker {
	post := to("POST", "endpoint")
	return map[string]Breaker{
		"xx-108": prepare(to("POST", "endpoint"), func(r *http.Request) bool { r.Header.Del("Authorization"); return true }),
		"xx-16":  header(post, "WWW-Authenticate", ""),
		"xx-17":  statusOf(post, 401, 400),
		"xx-109": change(to("DELETE", "session"), func(r *http.Request, p *reply) {
			if r.Header.Get("Authorization") == "" {
				p.status = 401
			}
		}),
	}
}
