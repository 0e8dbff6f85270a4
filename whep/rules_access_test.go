//nolint:thelper // a check is a test by the id of its rule, no helper
package whep_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/auth"
	"weir/internal/webrtctest"
)

// The tokens of a server that lets nobody play without one.
const (
	playToken    = "play-token-of-the-rules"
	publishToken = "publish-token-of-the-rules"
)

// guarded is a server like s, with the breaker of s, at which playing needs a
// token.
func guarded(t *testing.T, s *server) *server {
	t.Helper()
	return newServer(t, serverOptions{broken: s.broken, tokens: []auth.Token{
		{Name: "viewer", Secret: playToken, Rights: []auth.Action{auth.Play}},
		{Name: "studio", Secret: publishToken, Rights: []auth.Action{auth.Publish}},
	}})
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// postWith posts a good offer with further header fields.
func (s *server) postWith(t *testing.T, fields ...string) made {
	t.Helper()
	offer := s.offer(t, webrtctest.Options{})
	reply := s.do(t, "POST", s.endpoint, offer, append([]string{"Content-Type", sdpType}, fields...)...)
	return made{Reply: reply, offer: offer, url: s.resolve(t, reply.Header.Get("Location")), etag: reply.Header.Get("ETag")}
}

func wantChallenge(t *testing.T, reply *webrtctest.Reply, status int, contains string) {
	t.Helper()
	wantStatus(t, reply, status)
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
func accessRules() map[string]check {
	return map[string]check{
		"xx-108": func(t *testing.T, s *server) {
			g := guarded(t, s)
			wantStatus(t, g.postWith(t).Reply, http.StatusUnauthorized)
			m := g.postWith(t, bearer(playToken)...)
			wantStatus(t, m.Reply, http.StatusCreated)
			wantStatus(t, g.do(t, "PATCH", m.url, m.frag(),
				append(bearer(playToken), "Content-Type", fragmentType, "If-Match", m.etag)...), http.StatusNoContent)
			wantStatus(t, g.do(t, "DELETE", m.url, "", bearer(playToken)...), http.StatusOK)
			p := g.playing(t, webrtctest.Options{Trickle: true, Fields: bearer(playToken)})
			media(t, p)
		},
		"xx-16": func(t *testing.T, s *server) {
			g := guarded(t, s)
			wantChallenge(t, g.postWith(t).Reply, http.StatusUnauthorized, "")
			// A preflight never carries a token.
			g.preflight(t, g.endpoint, "POST", "authorization,content-type")
			// Nobody learns by it which streams there are.
			other := strings.TrimSuffix(g.endpoint, "test") + "nobody"
			reply := g.do(t, "POST", other, g.offer(t, webrtctest.Options{}), "Content-Type", sdpType)
			wantChallenge(t, reply, http.StatusUnauthorized, "")
		},
		"xx-17": func(t *testing.T, s *server) {
			g := guarded(t, s)
			wantChallenge(t, g.postWith(t, bearer("another")...).Reply, http.StatusUnauthorized, `error="invalid_token"`)
			wantChallenge(t, g.postWith(t, bearer(publishToken)...).Reply, http.StatusForbidden, `error="insufficient_scope"`)
		},
		"xx-109": func(t *testing.T, s *server) {
			g := guarded(t, s)
			for _, fields := range [][]string{nil, bearer(playToken), bearer("another")} {
				m := g.postWith(t, bearer(playToken)...)
				wantStatus(t, m.Reply, http.StatusCreated)
				wantStatus(t, g.do(t, "PATCH", m.url, m.frag(),
					append(fields, "Content-Type", fragmentType, "If-Match", m.etag)...), http.StatusNoContent)
				wantStatus(t, g.do(t, "DELETE", m.url, "", fields...), http.StatusOK)
			}
		},
	}
}

func breakAccess() map[string]breaker {
	post := to("POST", "endpoint")
	return map[string]breaker{
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
