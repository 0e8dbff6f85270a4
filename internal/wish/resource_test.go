package wish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/wish"
)

const (
	fragmentType = "application/trickle-ice-sdpfrag"
	goodFragment = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=candidate:1 1 udp 1 192.0.2.1 1000 typ host\r\n"
	known        = "0123456789abcdef0123456789abcdef"
)

// sessions is one session, and what became of it.
type sessions struct {
	reply   wish.Patched
	err     error
	patched []wish.Fragment
	deleted int
}

func (s *sessions) Patch(_ context.Context, secret string, m wish.Match, f wish.Fragment) (wish.Patched, error) {
	if secret != known {
		return wish.Patched{}, errors.New("patch of an unknown session")
	}
	if !m.Matches(`"one"`) {
		return wish.Patched{}, &wish.Refusal{Status: http.StatusPreconditionFailed, Code: "precondition_failed"}
	}
	s.patched = append(s.patched, f)
	return s.reply, s.err
}

func (s *sessions) Delete(_ context.Context, secret string) error {
	if secret != known || s.deleted > 0 {
		return &wish.Refusal{Status: http.StatusNotFound, Code: "no_such_session"}
	}
	s.deleted++
	return nil
}

func (s *sessions) Check(secret string) error {
	if secret != known || s.deleted > 0 {
		return &wish.Refusal{Status: http.StatusNotFound, Code: "no_such_session"}
	}
	return nil
}

func serve(t *testing.T, handler http.Handler, method, secret, body string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/session/"+secret, strings.NewReader(body))
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	r.SetPathValue("secret", secret)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestResource(t *testing.T) {
	t.Parallel()
	tag := []string{"Content-Type", fragmentType, "If-Match", `"one"`}
	for _, test := range []struct {
		rule, name   string
		method, body string
		fields       []string
		unknown      bool
		status       int
		want         map[string]string // header fields; "" is for none
		code         string
	}{
		{rule: "xx-54", method: "PATCH", body: goodFragment, fields: tag, status: 204, want: map[string]string{"ETag": "", "Content-Type": "", "Access-Control-Allow-Origin": "*"}},
		{rule: "xx-54", name: "star", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", fragmentType, "If-Match", "*"}, status: 204},
		{rule: "xx-54", name: "media type with a parameter and in capitals", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", "Application/Trickle-ICE-sdpfrag; charset=utf-8", "If-Match", "*"}, status: 204},
		{rule: "xx-50", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", "text/plain", "If-Match", `"one"`}, status: 415, want: map[string]string{"Accept-Patch": fragmentType, "Content-Type": "application/problem+json"}, code: "wrong_media_type"},
		{rule: "xx-51", name: "no type", method: "PATCH", body: goodFragment, fields: []string{"If-Match", `"one"`}, status: 415, want: map[string]string{"Accept-Patch": fragmentType}},
		{rule: "xx-51", name: "compressed", method: "PATCH", body: goodFragment, fields: append([]string{"Content-Encoding", "gzip"}, tag...), status: 415, code: "wrong_content_encoding"},
		{rule: "xx-68", method: "PATCH", body: "v=0\r\n", fields: []string{"Content-Type", "application/sdp", "If-Match", `"one"`}, status: 422},
		{rule: "xx-68", name: "without If-Match", method: "PATCH", body: "v=0\r\n", fields: []string{"Content-Type", "application/sdp"}, status: 422},
		{rule: "xx-55", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", fragmentType}, status: 428, code: "if_match_missing"},
		{rule: "xx-55", name: "entity-tag in a field ETag", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", fragmentType, "ETag", `"one"`}, status: 428},
		{rule: "xx-56", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", fragmentType, "If-Match", `"nonsense"`}, status: 412},
		{rule: "xx-56", name: "weak", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", fragmentType, "If-Match", `W/"one"`}, status: 412},
		{rule: "xx-56", name: "no entity-tag", method: "PATCH", body: goodFragment, fields: []string{"Content-Type", fragmentType, "If-Match", "one"}, status: 400, code: "if_match_malformed"},
		{rule: "xx-52", name: "binary", method: "PATCH", body: "\x00\xff\x01", fields: tag, status: 400, code: "fragment_malformed"},
		{rule: "xx-52", name: "words", method: "PATCH", body: "plain words", fields: tag, status: 400, code: "fragment_malformed"},
		{rule: "xx-52", name: "m= without content", method: "PATCH", body: "m=\r\n", fields: tag, status: 400, code: "fragment_malformed"},
		{rule: "xx-52", name: "empty", method: "PATCH", fields: tag, status: 400, code: "fragment_malformed"},
		{rule: "BAD-12", name: "long", method: "PATCH", body: manyCandidates(20000), fields: tag, status: 413, code: "fragment_too_large"},
		{rule: "BAD-12", name: "many", method: "PATCH", body: manyCandidates(101), fields: tag, status: 422, code: "too_many_candidates"},
		{rule: "xx-75", name: "PATCH", method: "PATCH", body: goodFragment, fields: tag, unknown: true, status: 404, code: "no_such_session"},
		{rule: "xx-75", name: "DELETE", method: "DELETE", unknown: true, status: 404},
		{rule: "xx-75", name: "GET", method: "GET", unknown: true, status: 404},
		{rule: "xx-71", method: "DELETE", status: 200, want: map[string]string{"Access-Control-Allow-Origin": "*"}},
		{rule: "xx-72", method: "DELETE", fields: []string{"If-Match", `"nonsense"`}, status: 200},
		{rule: "xx-76", method: "GET", status: 204, want: map[string]string{"Content-Type": ""}},
		{rule: "xx-76", name: "HEAD", method: "HEAD", status: 204},
		{rule: "xx-67", method: "OPTIONS", status: 200, want: map[string]string{"Accept-Patch": fragmentType}},
		{rule: "xx-14", method: "OPTIONS", fields: []string{"Origin", "https://example.net", "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,content-type,if-match"}, status: 200, want: map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization, content-type, if-match, etag",
			"Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE, OPTIONS", "Access-Control-Max-Age": "7200",
		}},
		{rule: "xx-14", name: "unknown session", method: "OPTIONS", unknown: true, status: 200},
		{rule: "xx-15", method: "PUT", status: 405, want: map[string]string{"Allow": "GET, HEAD, PATCH, DELETE, OPTIONS"}, code: "method_not_allowed"},
		{rule: "xx-15", name: "POST", method: "POST", status: 405},
		{rule: "BAD-11", method: "PUT", unknown: true, status: 405},
	} {
		t.Run(strings.TrimSpace(test.rule+" "+test.name), func(t *testing.T) {
			t.Parallel()
			secret := known
			if test.unknown {
				secret = "fedcba9876543210fedcba9876543210"
			}
			fake := &sessions{}
			response := serve(t, wish.NewResource(fake, wish.ResourceOptions{}), test.method, secret, test.body, test.fields...)
			if response.Code != test.status {
				t.Errorf("status %d, want %d", response.Code, test.status)
			}
			for name, want := range test.want {
				if got := response.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			checkBody(t, response, test.status, test.code)
			if (test.method == "PATCH" && test.status == 204) != (len(fake.patched) == 1) {
				t.Errorf("%d PATCHes reached the session", len(fake.patched))
			}
		})
	}
}

// checkBody wants no body in a good reply and a problem in a refusal.
func checkBody(t *testing.T, response *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if status < 400 {
		if response.Body.Len() > 0 {
			t.Error("the reply has a body")
		}
		return
	}
	var problem struct {
		Type, Title, Code string
		Status            int
	}
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
		t.Fatalf("decode the problem: %v", err)
	}
	if problem.Type == "" || problem.Title != http.StatusText(status) || problem.Status != status || problem.Code == "" || code != "" && problem.Code != code {
		t.Errorf("problem %+v, want status %d and code %q", problem, status, code)
	}
}

func TestResourceRestart(t *testing.T) {
	t.Parallel()
	reply := wish.Fragment{
		Ufrag: "ours", Pwd: "oursoursoursoursoursours", Options: "trickle",
		Sections: []wish.FragmentSection{{Media: "audio", Mid: "0", Candidates: []string{host1}, EndOfCandidates: true}},
	}
	fake := &sessions{reply: wish.Patched{Restart: &reply, ETag: `"two"`}}
	response := serve(t, wish.NewResource(fake, wish.ResourceOptions{}), "PATCH", known, goodFragment, "Content-Type", fragmentType, "If-Match", "*")
	if response.Code != http.StatusOK || response.Header().Get("ETag") != `"two"` || response.Header().Get("Content-Type") != fragmentType {
		t.Errorf("status %d, fields %v", response.Code, response.Header())
	}
	if diff := cmp.Diff(reply.String(), response.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestResourceFailure(t *testing.T) {
	t.Parallel()
	fake := &sessions{err: fmt.Errorf("restart ICE: %w", errors.New("some secret detail"))}
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "request-1")
	r := httptest.NewRequestWithContext(t.Context(), "PATCH", "/session/"+known, strings.NewReader(goodFragment))
	r.SetPathValue("secret", known)
	r.Header.Set("Content-Type", fragmentType)
	r.Header.Set("If-Match", "*")
	wish.NewResource(fake, wish.ResourceOptions{}).ServeHTTP(w, r)
	if body := w.Body.String(); w.Code != 500 || strings.Contains(body, "secret detail") || !strings.Contains(body, `"request":"request-1"`) {
		t.Errorf("%d %s", w.Code, body)
	}
	fake.err = fmt.Errorf("restart ICE: %w", &wish.Refusal{Status: 422, Code: "restart_refused", Detail: "no"})
	response := serve(t, wish.NewResource(fake, wish.ResourceOptions{}), "PATCH", known, goodFragment, "Content-Type", fragmentType, "If-Match", "*")
	if response.Code != http.StatusUnprocessableEntity {
		t.Errorf("a wrapped refusal became %d", response.Code)
	}
}

func TestResourceLeniencies(t *testing.T) {
	t.Parallel()
	var counted []string
	resource := wish.NewResource(&sessions{}, wish.ResourceOptions{Leniency: func(name string) { counted = append(counted, name) }})
	serve(t, resource, "PATCH", known, "a=\n", "Content-Type", fragmentType, "If-Match", `"*"`)
	want := []string{wish.LenientStar, wish.LenientLineFeed, wish.LenientEmptyAttribute, wish.LenientNoMedia}
	if !slices.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
	counted = nil
	serve(t, resource, "PATCH", known, "a=\n", "Content-Type", fragmentType, "If-Match", `"nonsense"`)
	serve(t, resource, "PATCH", known, goodFragment, "Content-Type", fragmentType, "If-Match", `"one"`)
	if len(counted) != 0 {
		t.Errorf("counted %v for a refused request and a good one", counted)
	}
}

func TestWriteErrorMembers(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("ETag", `"one"`)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/whep/x", nil)
	wish.WriteError(w, r, &wish.Refusal{
		Status: 409, Code: "stream_not_live", Detail: "Nobody publishes.", Remedy: "Try again.",
		Offered: []string{"VP8"}, Has: []string{"H264"}, Headers: map[string]string{"Retry-After": "2"},
	})
	want := `{"type":"about:blank","title":"Conflict","status":409,"detail":"Nobody publishes.","code":"stream_not_live","remedy":"Try again.","offered":["VP8"],"has":["H264"],"error":"Nobody publishes."}` + "\n"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("problem (-want +got):\n%s", diff)
	}
	if w.Header().Get("Retry-After") != "2" || w.Header().Get("ETag") != "" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("fields %v", w.Header())
	}
}
