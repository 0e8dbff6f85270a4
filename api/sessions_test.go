package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/api"
	"weir/internal/webrtctest"
	"weir/session"
)

type sessionView struct {
	ID, Protocol, Stream, Remote, Token, State string
	Age                                        float64 `json:"age_ms"`
	Connected                                  bool
	Drops                                      map[string]int
	ICE                                        struct{ State, Local, Remote string }
	Media                                      []struct {
		Kind, Codec, Profile, Fmtp string
		PayloadType                int `json:"payload_type"`
	}
}

type sessionList struct {
	Sessions []sessionView
	Next     string
}

func TestSessions(t *testing.T) {
	offer := chromiumOffer(t)
	w := newWorld(t, worldOptions{running: true})
	w.begin(t, "lobby", "tone", false)
	w.begin(t, "attic", "tone", true)
	var secrets []string
	for range 3 {
		secrets = append(secrets, strings.TrimPrefix(play(t, w, "/whep/lobby", offer), "/session/"))
	}
	secrets = append(secrets, strings.TrimPrefix(play(t, w, "/attic/whep", offer), "/session/"))

	all := w.administer(t, "GET", "/api/v1/sessions", "")
	l := decode[sessionList](t, all, http.StatusOK)
	if len(l.Sessions) != 4 || l.Next != "" || !slices.IsSortedFunc(l.Sessions, func(a, b sessionView) int { return strings.Compare(a.ID, b.ID) }) {
		t.Errorf("%s", all.Body)
	}
	for _, secret := range secrets {
		if strings.Contains(all.Body, secret) {
			t.Error("a session's secret is told")
		}
	}
	one := l.Sessions[0]
	if one.Protocol != "whep" || one.Token != "chief" || one.Remote != "127.0.0.1:1234" || one.Connected || one.Drops == nil || len(one.Media) != 2 || one.Media[0].Codec != "H264" ||
		one.Media[0].Profile != "constrained-baseline" {
		t.Errorf("%+v", one)
	}
	if of := decode[sessionList](t, w.administer(t, "GET", "/api/v1/sessions?stream=attic", ""), http.StatusOK); len(of.Sessions) != 1 || of.Sessions[0].Stream != "attic" {
		t.Errorf("of one stream: %+v", of)
	}
	if of := decode[sessionList](t, w.administer(t, "GET", "/api/v1/sessions?stream=", ""), http.StatusOK); len(of.Sessions) != 0 {
		t.Errorf("of no stream: %+v", of)
	}
	page := decode[sessionList](t, w.administer(t, "GET", "/api/v1/sessions?limit=3", ""), http.StatusOK)
	rest := decode[sessionList](t, w.administer(t, "GET", "/api/v1/sessions?limit=3&after="+page.Next, ""), http.StatusOK)
	var ids []string
	for _, s := range slices.Concat(page.Sessions, rest.Sessions) {
		ids = append(ids, s.ID)
	}
	var want []string
	for _, s := range l.Sessions {
		want = append(want, s.ID)
	}
	if diff := cmp.Diff(want, ids); diff != "" || len(page.Sessions) != 3 || rest.Next != "" {
		t.Error(diff)
	}
	if got := decode[sessionView](t, w.administer(t, "GET", "/api/v1/sessions/"+one.ID, ""), http.StatusOK); got.ID != one.ID {
		t.Errorf("%+v", got)
	}
	if a := w.administer(t, "DELETE", "/api/v1/sessions/"+one.ID, ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
	for _, id := range append(secrets, one.ID, "x", "%00") {
		for _, method := range []string{"GET", "DELETE"} {
			if a := w.administer(t, method, "/api/v1/sessions/"+id, ""); a.StatusCode != http.StatusNotFound || a.problem(t).Code != "session_not_found" {
				t.Errorf("%s %s: %d %s", method, id, a.StatusCode, a.Body)
			}
		}
	}
	if _, next, _ := w.events.Read(w.events.Oldest(), 1000); next == w.events.Oldest() {
		t.Error("no events")
	}
	events, _, _ := w.events.Read(w.events.Oldest(), 1000)
	if last := events[len(events)-1]; last.Name != "session_ended" || !strings.Contains(string(last.Data), `"ended_by_operator"`) {
		t.Errorf("the last event is %s %s", last.Name, last.Data)
	}
	log := w.log.String()
	for _, secret := range append(secrets, adminToken) {
		if strings.Contains(log, secret) {
			t.Error("a secret is in the log")
		}
	}
}

// A session that is really connected says so.
func TestConnectedSession(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	w.begin(t, "lobby", "tone", false)
	server := httptest.NewServer(w.face)
	t.Cleanup(server.Close)
	player, err := webrtctest.Play(t.Context(), server.URL+"/whep/lobby", webrtctest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := player.Close(); err != nil {
			t.Error(err)
		}
	})
	webrtctest.Until(t, time.Minute, func() string {
		s := decode[sessionList](t, w.administer(t, "GET", "/api/v1/sessions", ""), http.StatusOK).Sessions[0]
		if !s.Connected || s.State != "connected" || s.ICE.Local == "" || s.ICE.Remote == "" {
			return fmt.Sprintf("a connection: %+v", s)
		}
		return ""
	})
}

type verdict struct {
	Status     int
	Held       bool
	Code       string
	Detail     string
	RetryAfter int `json:"retry_after"`
	Plan       *struct {
		Setup    string
		Sections []struct {
			Mid, Kind, Codec string
			Accepted         bool
			PayloadType      *int `json:"payload_type"`
		}
	}
}

// explain gives the verdict of the POST for every recorded offer, and leaves nothing.
func TestExplainIsThePost(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	w.begin(t, "test", "tone", false)
	w.begin(t, "attic", "tone", true)
	files, err := filepath.Glob("../session/negotiate/testdata/offers/*.sdp")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d offers: %v", len(files), err)
	}
	offers := map[string]string{"no offer": "v=0", "words": "these are no words of SDP", "cut": chromiumOffer(t)[:700]}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		offers[filepath.Base(file)] = string(text)
	}
	explained := map[string]verdict{}
	names := []string{"test", "attic", "nobody", "docs", "-x"}
	explainAll := func() {
		for file, offer := range offers {
			for _, name := range names {
				a := call{
					method: "POST", target: "/api/v1/explain?as=play&stream=" + name, body: offer,
					fields: []string{"Content-Type", "application/sdp", "Authorization", "Bearer " + adminToken},
				}.send(t, w.face)
				explained[file+" "+name] = decode[verdict](t, a, http.StatusOK)
			}
		}
	}
	explainAll() // the rooms have begun by then
	before := runtime.NumGoroutine()
	explainAll()
	webrtctest.Until(t, time.Minute, func() string {
		if after := runtime.NumGoroutine(); after > before || len(w.sessions.Sessions()) > 0 {
			return fmt.Sprintf("the end of what was made: %d goroutines before, %d after; %d sessions", before, after, len(w.sessions.Sessions()))
		}
		return ""
	})
	for file, offer := range offers {
		for _, name := range names {
			a := call{
				method: "POST", target: "/whep/" + name, body: offer,
				fields: []string{"Content-Type", "application/sdp", "Authorization", "Bearer " + adminToken},
			}.send(t, w.face)
			got, code := explained[file+" "+name], "created"
			if a.StatusCode != http.StatusCreated {
				p := a.problem(t)
				if code = p.Code; p.Detail != got.Detail {
					t.Errorf("%s on %s: %q, the POST %q", file, name, got.Detail, p.Detail)
				}
			}
			if got.Status != a.StatusCode || got.Code != code || (got.Plan != nil) != (code == "created") {
				t.Errorf("%s on %s: explained %+v, the POST %d %s", file, name, got, a.StatusCode, a.Body)
			}
			if a.Header.Get("Retry-After") != "" && fmt.Sprint(got.RetryAfter) != a.Header.Get("Retry-After") {
				t.Errorf("%s on %s: retry after %d, the POST %s", file, name, got.RetryAfter, a.Header.Get("Retry-After"))
			}
			if got.Plan != nil {
				for _, s := range got.Plan.Sections {
					if s.Accepted && (s.Codec == "" || s.PayloadType == nil || !strings.Contains(a.Body, fmt.Sprintf("a=rtpmap:%d %s/", *s.PayloadType, s.Codec))) {
						t.Errorf("%s on %s: section %+v is not in the answer", file, name, s)
					}
				}
			}
			if id, ok := strings.CutPrefix(a.Header.Get("Location"), "/session/"); ok {
				do(t, w.face, "DELETE", "/session/"+id)
			}
		}
	}
}

func TestExplainRefuses(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	offer := chromiumOffer(t)
	for _, c := range []struct {
		query, contentType, body string
		status                   int
		code                     string
	}{
		{"", "application/sdp", offer, 400, "query_malformed"},
		{"?stream=", "application/sdp", offer, 400, "query_malformed"},
		{"?stream=x&as=watch", "application/sdp", offer, 400, "query_malformed"},
		{"?stream=x&as=", "application/sdp", offer, 400, "query_malformed"},
		{"?stream=x&like=play", "application/sdp", offer, 400, "query_unknown"},
		{"?stream=x", "application/json", "{}", 415, "wrong_media_type"},
		{"?stream=x", "application/sdp", " ", 400, "offer_malformed"},
		{"?stream=x", "application/sdp", strings.Repeat("a", 128<<10+1), 413, "offer_too_large"},
	} {
		a := call{
			method: "POST", target: "/api/v1/explain" + c.query, body: c.body,
			fields: []string{"Content-Type", c.contentType, "Authorization", "Bearer " + adminToken},
		}.send(t, w.face)
		if a.StatusCode != c.status || a.problem(t).Code != c.code {
			t.Errorf("%q %s: %d %s, want %d %s", c.query, c.contentType, a.StatusCode, a.Body, c.status, c.code)
		}
	}
}

// A publisher's offer is judged as its POST would.
func TestExplainPublish(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	w.begin(t, "taken", "tone", false)
	offer, err := os.ReadFile("../session/negotiate/testdata/offers/publish/gstreamer-whipclientsink-0.15.4.sdp")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stream, offer string
		status        int
		code          string
	}{
		{"free", string(offer), 201, "created"},
		{"taken", string(offer), 409, "stream_published"},
		{"no name", string(offer), 404, "no_such_stream"},
		{"free", chromiumOffer(t), 422, "direction"},
	} {
		a := call{
			method: "POST", target: "/api/v1/explain?as=publish&stream=" + url.QueryEscape(c.stream), body: c.offer,
			fields: []string{"Content-Type", "application/sdp", "Authorization", "Bearer " + adminToken},
		}.send(t, w.face)
		got := decode[verdict](t, a, http.StatusOK)
		if got.Status != c.status || got.Code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.stream, got.Status, got.Code, c.status, c.code)
		}
		if c.status == 201 && (!strings.Contains(a.Body, `"codecs":["VP8","H264","VP9","H265"]`) || len(w.sessions.Sessions()) > 0) {
			t.Errorf("%d sessions, and %s", len(w.sessions.Sessions()), a.Body)
		}
	}
}

// Who would be held is told so, with what comes if nobody does.
func TestExplainHeld(t *testing.T) {
	w := newWorld(t, worldOptions{running: true, policy: func(name string) session.Policy {
		if name != "hall" {
			return session.Policy{}
		}
		return session.Policy{Early: session.EarlyHold, TakeOver: session.TakeOverHold}
	}})
	publishing, err := os.ReadFile("../session/negotiate/testdata/offers/publish/gstreamer-whipsink-0.15.4.sdp")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query, offer, code string
		held               bool
	}{
		{"stream=hall", chromiumOffer(t), "stream_not_live", true},
		{"stream=lobby", chromiumOffer(t), "stream_not_live", false},
		{"as=publish&stream=hall", string(publishing), "stream_published", true},
		{"as=publish&stream=lobby", string(publishing), "stream_published", false},
	} {
		if c.code == "stream_published" {
			w.begin(t, c.query[len("as=publish&stream="):], "tone", false)
		}
		a := call{
			method: "POST", target: "/api/v1/explain?" + c.query, body: c.offer,
			fields: []string{"Content-Type", "application/sdp", "Authorization", "Bearer " + adminToken},
		}.send(t, w.face)
		got := decode[verdict](t, a, http.StatusOK)
		if got.Status != http.StatusConflict || got.Code != c.code || got.Held != c.held || got.RetryAfter == 0 {
			t.Errorf("%s: %s", c.query, a.Body)
		}
	}
}

func TestReady(t *testing.T) {
	ready := false
	h, _ := newFace(t, func(o *api.Options) { o.Ready = func() bool { return ready } })
	if a := do(t, h, "GET", "/readyz"); a.StatusCode != http.StatusServiceUnavailable || a.problem(t).Code != "not_ready" {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
	ready = true
	if a := do(t, h, "GET", "/readyz"); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
}

func TestTime(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := time.Now()
	a := w.administer(t, "GET", "/api/v1/time", "")
	after := time.Now()
	var got struct {
		UnixMS json.Number `json:"unix_ms"`
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatal(err)
	}
	ms, err := got.UnixMS.Float64()
	if err != nil || ms < float64(before.UnixMicro())/1000-0.001 || ms > float64(after.UnixMicro())/1000+0.001 {
		t.Errorf("%s, between %v and %v", got.UnixMS, before, after)
	}
	if _, fraction, _ := strings.Cut(got.UnixMS.String(), "."); len(fraction) != 3 {
		t.Errorf("%s is not exact to a microsecond", got.UnixMS)
	}
}
