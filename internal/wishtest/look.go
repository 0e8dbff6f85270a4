//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// names are the elements of a list field, in lower case.
func names(list string) []string {
	var all []string
	for name := range strings.SplitSeq(list, ",") {
		all = append(all, strings.ToLower(strings.TrimSpace(name)))
	}
	return all
}

func wantNames(t *testing.T, reply *webrtctest.Reply, field string, want ...string) {
	t.Helper()
	list := names(strings.Join(reply.Header.Values(field), ","))
	for _, name := range want {
		if !slices.Contains(list, name) {
			t.Errorf("%s lacks %s: %v", field, name, list)
		}
	}
}

// preflight asks as Chromium does.
func (s *Server) preflight(t *testing.T, target, method, headers string) *webrtctest.Reply {
	t.Helper()
	reply := s.Do(t, "OPTIONS", target, "", "Origin", "https://example.net", "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
	if reply.Status != http.StatusOK && reply.Status != http.StatusNoContent {
		t.Fatalf("preflight: status %d", reply.Status)
	}
	if origin := reply.Header.Get("Access-Control-Allow-Origin"); origin != "*" && origin != "https://example.net" {
		t.Errorf("preflight: Access-Control-Allow-Origin is %q", origin)
	}
	return reply
}

// linkForm is one ICE server as all clients understand it (RFC 7064, RFC 7065).
var linkForm = regexp.MustCompile(`^<(?:stuns?:[^/>]+|turns?:[^/>]+)>; rel="ice-server"(?:; username="[^"]+"; credential="[^"]+"; credential-type="password")?$`)

func wantLinks(t *testing.T, reply *webrtctest.Reply, n int) {
	t.Helper()
	links := reply.Header.Values("Link")
	if len(links) != n {
		t.Errorf("%d Link fields, want %d", len(links), n)
	}
	for _, link := range links {
		if !linkForm.MatchString(link) || strings.HasPrefix(link, "<turn") != strings.Contains(link, "credential=") {
			t.Errorf("Link: %s", link)
		}
	}
}

// Sections 6 and 8 of the rules: CORS, OPTIONS, HEAD and links.
func lookRules() map[string]Check {
	return map[string]Check{
		"xx-10": func(t *testing.T, s *Server) { WantStatus(t, s.Do(t, "OPTIONS", s.Endpoint(), ""), http.StatusOK) },
		"xx-11": func(t *testing.T, s *Server) {
			reply := s.preflight(t, s.Endpoint(), "POST", "authorization,content-type")
			wantNames(t, reply, "Access-Control-Allow-Headers", "authorization", "content-type")
			wantNames(t, reply, "Access-Control-Allow-Methods", "post")
		},
		"xx-14": func(t *testing.T, s *Server) {
			target := s.Make(t).URL
			for _, method := range []string{"PATCH", "DELETE"} {
				reply := s.preflight(t, target, method, "authorization,content-type,if-match")
				wantNames(t, reply, "Access-Control-Allow-Headers", "authorization", "content-type", "if-match")
				wantNames(t, reply, "Access-Control-Allow-Methods", "patch", "delete")
			}
		},
		"xx-12": func(t *testing.T, s *Server) {
			wantNames(t, s.Do(t, "OPTIONS", s.Endpoint(), ""), "Accept-Post", sdpType)
		},
		"xx-13": func(t *testing.T, s *Server) {
			for _, reply := range []*webrtctest.Reply{s.Make(t).Reply, s.Post(t, "no offer")} {
				if origin := reply.Header.Get("Access-Control-Allow-Origin"); origin != "*" {
					t.Errorf("Access-Control-Allow-Origin is %q", origin)
				}
				wantNames(t, reply, "Access-Control-Expose-Headers", "location", "etag", "link", "retry-after", "accept-patch", "www-authenticate")
			}
		},
		"xx-15": func(t *testing.T, s *Server) {
			for target, allowed := range map[string]string{s.Endpoint(): "post", s.Make(t).URL: "patch"} {
				reply := s.Do(t, "PUT", target, "")
				WantStatus(t, reply, http.StatusMethodNotAllowed)
				wantNames(t, reply, "Allow", allowed)
			}
		},
		"xx-24": func(t *testing.T, s *Server) { wantLinks(t, s.Make(t).Reply, 2) },
		"xx-18": func(t *testing.T, s *Server) {
			wantLinks(t, s.Make(t).Reply, 2)
			wantLinks(t, s.Do(t, "OPTIONS", s.Endpoint(), ""), 2)
		},
		"xx-19": func(t *testing.T, s *Server) {
			wantLinks(t, s.preflight(t, s.Endpoint(), "POST", "content-type"), 0)
		},
	}
}
