package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"weir/api"
	"weir/relay"
)

// A use is one method of one route, used rightly by who may do everything.
type use struct {
	method, pattern string
	// target prepares what is needed and returns the address; n tells uses apart. Nil: the pattern.
	target      func(t *testing.T, w *world, n int) string
	body        string
	contentType string
	accept      string
	ifMatch     string
	status      int
}

// uses are all that there are: TestRights holds them against the route table.
func uses(t *testing.T) []use {
	t.Helper()
	offer := chromiumOffer(t)
	started := func(prefix, suffix string) func(*testing.T, *world, int) string {
		return func(t *testing.T, w *world, n int) string {
			t.Helper()
			name := fmt.Sprintf("s%d", n)
			w.begin(t, name, "tone", false)
			return prefix + name + suffix
		}
	}
	pushed := func(t *testing.T, w *world, n int) string {
		t.Helper()
		s, err := w.relay.Push(fmt.Sprintf("s%d", n), relay.PushStart{URL: "http://127.0.0.1:9/whip/x"})
		if err != nil {
			t.Fatal(err)
		}
		return "/api/v1/streams/" + s.Stream + "/pushes/" + s.ID
	}
	fresh := func(_ *testing.T, _ *world, n int) string { return fmt.Sprintf("/api/v1/streams/s%d", n) }
	stream := started("/api/v1/streams/", "")
	session := func(prefix string, part func(location, id string) string) func(*testing.T, *world, int) string {
		return func(t *testing.T, w *world, n int) string {
			t.Helper()
			location := play(t, w, started("/whep/", "")(t, w, n), offer)
			found, err := w.sessions.Find(strings.TrimPrefix(location, "/session/"))
			if err != nil {
				t.Fatal(err)
			}
			return prefix + part(location, found.ID())
		}
	}
	byID := session("/api/v1/sessions/", func(_, id string) string { return id })
	bySecret := session("", func(location, _ string) string { return location })
	const fragment = "a=ice-ufrag:30Zl\r\na=ice-pwd:twTAnOZ2piXyovTLAzodvQKr\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
	all := []use{
		{method: "GET", pattern: "/", status: 200},
		{method: "GET", pattern: "/streams", status: 200},
		{method: "GET", pattern: "/watch/:stream", target: at("/watch/test"), status: 200},
		{method: "GET", pattern: "/embed/:stream", target: at("/embed/test"), status: 200},
		{method: "GET", pattern: "/publish/:stream", target: at("/publish/test"), status: 200},
		{method: "GET", pattern: "/static/*file", target: at("/static/vendor/uplot.css"), status: 200},
		{method: "GET", pattern: "/docs", status: 200},
		{method: "GET", pattern: "/redoc", status: 200},
		{method: "GET", pattern: "/openapi.yaml", status: 200},
		{method: "GET", pattern: "/openapi.json", status: 200},
		{method: "GET", pattern: "/healthz", status: 200},
		{method: "GET", pattern: "/readyz", status: 200},
		{method: "GET", pattern: "/api/v1/version", status: 200},
		{method: "GET", pattern: "/api/v1/time", status: 200},
		{method: "GET", pattern: "/api/v1/sources", status: 200},
		{method: "GET", pattern: "/api/v1/devices", status: 200},
		{method: "GET", pattern: "/api/v1/streams", status: 200},
		{method: "GET", pattern: "/api/v1/streams/:name", target: stream, status: 200},
		{method: "POST", pattern: "/api/v1/streams/:name", target: fresh, body: `{"source":"tone"}`, contentType: "application/json", status: 201},
		{method: "PATCH", pattern: "/api/v1/streams/:name", target: stream, body: `{}`, contentType: "application/merge-patch+json", status: 200},
		{method: "DELETE", pattern: "/api/v1/streams/:name", target: stream, status: 204},
		{method: "GET", pattern: "/api/v1/streams/:name/pushes", target: at("/api/v1/streams/test/pushes"), status: 200},
		{method: "POST", pattern: "/api/v1/streams/:name/pushes", target: func(_ *testing.T, _ *world, n int) string { return fmt.Sprintf("/api/v1/streams/s%d/pushes", n) }, body: `{"url":"http://127.0.0.1:9/whip/x"}`, contentType: "application/json", status: 201},
		{method: "GET", pattern: "/api/v1/streams/:name/pushes/:push", target: pushed, status: 200},
		{method: "DELETE", pattern: "/api/v1/streams/:name/pushes/:push", target: pushed, status: 204},
		{method: "GET", pattern: "/api/v1/streams/:name/obs-profile", target: at("/api/v1/streams/test/obs-profile"), status: 200},
		{method: "GET", pattern: "/api/v1/files", status: 200},
		{method: "GET", pattern: "/api/v1/files/*path", target: at("/api/v1/files/shows/one.mp4"), status: 200},
		{method: "PUT", pattern: "/api/v1/files/*path", target: at("/api/v1/files/shows/two.mp4"), body: "12", status: 201},
		{method: "DELETE", pattern: "/api/v1/files/*path", target: at("/api/v1/files/shows/one.mp4"), status: 204},
		{method: "GET", pattern: "/api/v1/sessions", status: 200},
		{method: "GET", pattern: "/api/v1/sessions/:id", target: byID, status: 200},
		{method: "DELETE", pattern: "/api/v1/sessions/:id", target: byID, status: 204},
		{method: "POST", pattern: "/api/v1/explain", target: started("/api/v1/explain?stream=", "&as=play"), body: offer, contentType: "application/sdp", status: 200},
		{method: "GET", pattern: "/api/v1/events", status: 200},
		{method: "GET", pattern: "/session/:secret", target: bySecret, status: 204},
		{method: "HEAD", pattern: "/session/:secret", target: bySecret, status: 204},
		{method: "OPTIONS", pattern: "/session/:secret", target: bySecret, status: 200},
		{method: "PATCH", pattern: "/session/:secret", target: bySecret, body: fragment, contentType: "application/trickle-ice-sdpfrag", ifMatch: "*", status: 204},
		{method: "DELETE", pattern: "/session/:secret", target: bySecret, status: 200},
	}
	for _, form := range []struct{ pattern, prefix, suffix string }{{"/whep/:stream", "/whep/", ""}, {"/:stream/whep", "/", "/whep"}} {
		target := started(form.prefix, form.suffix)
		all = append(all,
			use{method: "GET", pattern: form.pattern, target: target, status: 204},
			use{method: "GET", pattern: form.pattern, target: target, accept: "text/html", status: 200},
			use{method: "GET", pattern: form.pattern, target: target, accept: "application/json", status: 200},
			use{method: "HEAD", pattern: form.pattern, target: target, status: 200},
			use{method: "OPTIONS", pattern: form.pattern, target: target, status: 200},
			use{method: "POST", pattern: form.pattern, target: target, body: offer, contentType: "application/sdp", status: 201},
		)
	}
	published, err := os.ReadFile("../session/negotiate/testdata/offers/publish/gstreamer-whipclientsink-0.15.4.sdp")
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []struct{ pattern, prefix, suffix string }{{"/whip", "", ""}, {"/whip/:stream", "/whip/", ""}, {"/:stream/whip", "/", "/whip"}} {
		target := func(_ *testing.T, _ *world, n int) string { return fmt.Sprintf("%sp%d%s", form.prefix, n, form.suffix) }
		if form.prefix == "" {
			target = at("/whip")
		}
		all = append(all,
			use{method: "GET", pattern: form.pattern, target: target, status: 204},
			use{method: "HEAD", pattern: form.pattern, target: target, status: 204},
			use{method: "OPTIONS", pattern: form.pattern, target: target, status: 200},
			use{method: "POST", pattern: form.pattern, target: target, body: string(published), contentType: "application/sdp", status: 201},
		)
	}
	return all
}

func at(address string) func(*testing.T, *world, int) string {
	return func(*testing.T, *world, int) string { return address }
}

// play makes a session and returns its address.
func play(t *testing.T, w *world, target, offer string) string {
	t.Helper()
	a := call{
		method: "POST", target: target, body: offer, host: "localhost",
		fields: []string{"Content-Type", "application/sdp", "Authorization", "Bearer " + adminToken},
	}.send(t, w.face)
	if a.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %d %s", target, a.StatusCode, a.Body)
	}
	return a.Header.Get("Location")
}

// A caller is somebody who uses a route.
type caller struct {
	name   string
	token  string
	origin string
	host   string
}

func callers() []caller {
	return []caller{
		{name: "no token"},
		{name: "wrong", token: wrongToken},
		{name: "publish", token: publishToken},
		{name: "play", token: playToken},
		{name: "admin", token: adminToken},
		{name: "foreign origin", token: adminToken, origin: "https://elsewhere.example"},
		{name: "wrong host", token: adminToken, host: "elsewhere.example"},
	}
}

// expected is the answer to a caller: its status, WWW-Authenticate, and code where it is a refusal.
type expected struct {
	status       int
	authenticate string
	code         string
}

func (u use) expect(right string, c caller, playNeedsToken bool) expected {
	const realm = `Bearer realm="weir"`
	needs := ""
	switch {
	case right == "admin":
		needs = "administer"
	case right == "plays" && u.method == "POST" && playNeedsToken:
		needs = "play"
	case right == "publishes" && (u.method == "POST" || strings.HasPrefix(u.pattern, "/api/")):
		needs = "publish"
	}
	changes := u.method != "GET" && u.method != "HEAD" && u.method != "OPTIONS"
	switch {
	case c.host != "":
		return expected{421, "", "wrong_host"}
	case c.origin != "" && changes && strings.HasPrefix(u.pattern, "/api/"):
		return expected{403, "", "foreign_origin"}
	case needs == "", c.token == adminToken, c.token == playToken && needs == "play" && playNeedsToken, c.token == publishToken && needs == "publish":
		return expected{u.status, "", ""}
	case c.token == "":
		return expected{401, realm, "token_missing"}
	case c.token == wrongToken, c.token == playToken && !playNeedsToken: // there is no such token then
		return expected{401, realm + `, error="invalid_token"`, "token_unknown"}
	default:
		return expected{403, realm + `, error="insufficient_scope", scope="` + needs + `"`, "token_forbidden"}
	}
}

// TestRights uses every route as everybody.
func TestRights(t *testing.T) {
	rights := map[string]string{}
	for _, r := range api.AllRoutes() {
		rights[r.Method+" "+r.Pattern] = r.Right
	}
	used := map[string]bool{}
	for _, playNeedsToken := range []bool{false, true} {
		w := newWorld(t, worldOptions{running: true, playNeedsToken: playNeedsToken, change: func(o *api.Options) {
			o.Loopback, o.Library = true, fakeLibrary{}
			o.StreamOf = func(token string) (string, bool) { return "of-" + token, true }
		}})
		n := 0
		for _, u := range uses(t) {
			key := u.method + " " + u.pattern
			right, known := rights[key]
			if !known {
				t.Fatalf("%s is no route", key)
			}
			used[key] = true
			for _, c := range callers() {
				n++
				t.Run(fmt.Sprintf("%s %s by %s, token to play %t", key, u.accept, c.name, playNeedsToken), func(t *testing.T) {
					check(t, u.request(t, w, c, n), w, u.expect(right, c, playNeedsToken))
				})
			}
		}
	}
	for key := range rights {
		if !used[key] {
			t.Errorf("%s is not tested", key)
		}
	}
}

// request is the use of a route by a caller.
func (u use) request(t *testing.T, w *world, c caller, n int) call {
	t.Helper()
	request := call{method: u.method, target: u.pattern, body: u.body, host: c.host}
	if u.target != nil {
		request.target = u.target(t, w, n)
	}
	if request.host == "" {
		request.host = "localhost:8080"
	}
	for name, value := range map[string]string{"Content-Type": u.contentType, "Accept": u.accept, "Origin": c.origin, "If-Match": u.ifMatch} {
		if value != "" {
			request.fields = append(request.fields, name, value)
		}
	}
	if c.token != "" {
		request.fields = append(request.fields, "Authorization", "Bearer "+c.token)
	}
	return request
}

func check(t *testing.T, c call, w *world, want expected) {
	t.Helper()
	var a answer
	if strings.HasPrefix(c.target, "/api/v1/events") && want.status == http.StatusOK {
		a = c.begin(t, w.face) // it has no end
	} else {
		a = c.send(t, w.face)
	}
	got := expected{status: a.StatusCode, authenticate: a.Header.Get("WWW-Authenticate")}
	if a.StatusCode >= 400 {
		got.code = a.problem(t).Code
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if cookie := a.Header.Get("Set-Cookie"); cookie != "" {
		t.Errorf("a cookie: %s", cookie)
	}
	if strings.HasPrefix(c.target, "/api/") && a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("the API may be read by other pages")
	}
}

// begin sends a request whose answer has no end, and returns the beginning.
func (c call) begin(t *testing.T, h http.Handler) answer {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = c.host
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(c.fields); i += 2 {
		r.Header.Add(c.fields[i], c.fields[i+1])
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	begin := make([]byte, 16)
	n, _ := response.Body.Read(begin) // it begins at once
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	a := answer{StatusCode: response.StatusCode, Header: response.Header, Body: string(begin[:n])}
	a.Header.Del("Date")
	validate(t, httptest.NewRequest(c.method, c.target, http.NoBody), a)
	return a
}

// A private stream is, for who may not play it, as a name that nobody uses, wherever one looks.
func TestPrivateStreamIsNotTold(t *testing.T) {
	offer := chromiumOffer(t)
	w := newWorld(t, worldOptions{running: true})
	w.begin(t, "attic", "tone", true)
	w.begin(t, "door", "camera", true)
	w.begin(t, "lobby", "tone", false)
	requests := func(name string) []call {
		var all []call
		for _, form := range []string{"/whep/" + name, "/" + name + "/whep"} {
			all = append(all,
				call{method: "POST", target: form, body: offer, fields: []string{"Content-Type", "application/sdp"}},
				call{method: "POST", target: form, body: "v=0", fields: []string{"Content-Type", "application/sdp"}},
				call{method: "POST", target: form, body: "v=0", fields: []string{"Content-Type", "text/plain"}},
				call{method: "GET", target: form}, call{method: "HEAD", target: form}, call{method: "OPTIONS", target: form},
				call{method: "GET", target: form, fields: []string{"Accept", "application/json"}},
				call{method: "GET", target: form, fields: []string{"Accept", "text/html"}})
		}
		for _, form := range []string{"/whip/" + name, "/" + name + "/whip"} {
			all = append(all, call{method: "GET", target: form}, call{method: "HEAD", target: form}, call{method: "OPTIONS", target: form})
		}
		all = append(all,
			call{method: "POST", target: "/api/v1/explain?as=play&stream=" + name, body: offer, fields: []string{"Content-Type", "application/sdp"}},
			call{method: "POST", target: "/api/v1/streams/" + name + "/pushes", body: `{"url":"http://127.0.0.1:9/whip/x"}`, fields: []string{"Content-Type", "application/json"}})
		for _, target := range []string{
			"/watch/" + name, "/embed/" + name, "/publish/" + name, "/api/v1/streams/" + name, "/api/v1/streams?after=" + name,
			"/api/v1/streams/" + name + "/pushes",
		} {
			all = append(all, call{method: "GET", target: target})
		}
		for _, method := range []string{"POST", "PATCH", "DELETE"} {
			all = append(all, call{method: method, target: "/api/v1/streams/" + name, body: "{}", fields: []string{"Content-Type", "application/json"}})
		}
		return all
	}
	for _, token := range []string{"", wrongToken, publishToken} {
		for i, c := range requests("attic") {
			nobody := requests("bttic")[i]
			if token != "" {
				c.fields = append(c.fields, "Authorization", "Bearer "+token)
				nobody.fields = append(nobody.fields, "Authorization", "Bearer "+token)
			}
			got, want := c.send(t, w.face).withoutID(), nobody.send(t, w.face).withoutID()
			want = strings.ReplaceAll(want, "bttic", "attic")
			if got != want {
				t.Errorf("%s %s with token %q:\n%s\na name that nobody uses:\n%s", c.method, c.target, token, got, want)
			}
		}
		var fields []string
		if token != "" {
			fields = []string{"Authorization", "Bearer " + token}
		}
		list := do(t, w.face, "GET", "/api/v1/streams", fields...)
		if want := `{"streams":[{"name":"lobby","live":true,"codecs":["H264","opus"]}]}` + "\n"; list.Body != want {
			t.Errorf("with token %q: %s, want %s", token, list.Body, want)
		}
		if next := do(t, w.face, "GET", "/api/v1/streams?limit=1", fields...); next.Body != list.Body {
			t.Errorf("with token %q and a limit: %s", token, next.Body)
		}
	}
	facts := do(t, w.face, "GET", "/whep/attic", "Accept", "application/json", "Authorization", "Bearer "+adminToken)
	if want := `{"name":"attic","live":true,"codecs":["H264","opus"]}` + "\n"; facts.Body != want {
		t.Errorf("who may is told %s", facts.Body)
	}
	play(t, w, "/whep/attic", offer)
}

// A client that holds its request open must not get in when a private stream begins meanwhile.
func TestPrivateStreamThatBeginsMeanwhile(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	body := &waitingBody{begin: func() { w.begin(t, "attic", "tone", true) }, text: chromiumOffer(t)}
	r := httptest.NewRequest(http.MethodPost, "/whep/attic", body)
	r.Header.Set("Content-Type", "application/sdp")
	recorder := httptest.NewRecorder()
	w.face.ServeHTTP(recorder, r)
	if recorder.Code != http.StatusConflict {
		t.Errorf("%d: %s", recorder.Code, recorder.Body)
	}
}

// waitingBody does something when it is first read.
type waitingBody struct {
	begin  func()
	text   string
	reader *strings.Reader
}

func (b *waitingBody) Read(p []byte) (int, error) {
	if b.reader == nil {
		b.begin()
		b.reader = strings.NewReader(b.text)
	}
	return b.reader.Read(p)
}

// withoutID is the answer as text, without what no two answers share.
func (a answer) withoutID() string {
	id := a.Header.Get("X-Request-Id")
	var text strings.Builder
	fmt.Fprintf(&text, "%d\n", a.StatusCode)
	for line := range strings.SplitSeq(fmt.Sprint(a.Header), " ") {
		text.WriteString(strings.ReplaceAll(line, id, "") + "\n")
	}
	return text.String() + strings.ReplaceAll(a.Body, id, "")
}

// Where playing needs a token nothing is told of any name.
func TestPlayingNeedsAToken(t *testing.T) {
	offer := chromiumOffer(t)
	w := newWorld(t, worldOptions{running: true, playNeedsToken: true})
	w.begin(t, "attic", "tone", true)
	w.begin(t, "lobby", "tone", false)
	for _, token := range []string{"", wrongToken, publishToken} {
		var first string
		for _, name := range []string{"attic", "lobby", "nobody", "-no-name-", "docs"} {
			c := call{method: "POST", target: "/whep/" + name, body: offer, fields: []string{"Content-Type", "application/sdp"}}
			if token != "" {
				c.fields = append(c.fields, "Authorization", "Bearer "+token)
			}
			a := c.send(t, w.face)
			if first == "" {
				first = a.withoutID()
			}
			if a.withoutID() != first || a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusForbidden {
				t.Errorf("%s with token %q: %s\nothers: %s", name, token, a.withoutID(), first)
			}
			if a.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: a page cannot read why", name)
			}
		}
	}
	for _, name := range []string{"attic", "lobby"} {
		a := call{
			method: "POST", target: "/whep/" + name, body: offer,
			fields: []string{"Content-Type", "application/sdp", "Authorization", "bEARER " + playToken},
		}.send(t, w.face)
		if a.StatusCode != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, a.StatusCode, a.Body)
		}
	}
	for _, s := range w.sessions.Sessions() {
		if s.Stats().Token != "wall" {
			t.Errorf("the session is of token %q", s.Stats().Token)
		}
	}
	if strings.Contains(w.log.String(), playToken) {
		t.Error("a token is in the log")
	}
}

func TestHosts(t *testing.T) {
	faces := map[bool]http.Handler{}
	for _, listens := range []bool{true, false} {
		faces[listens], _ = newFace(t, func(o *api.Options) { o.Loopback, o.Hosts = listens, []string{"weir.Example:8080"} })
	}
	for host, loopback := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LocalHost:8080": true, "localhost.": true, "127.0.0.1:8080": true, "127.9.9.9": true,
		"[::1]": true, "[::1]:8080": true, "[::ffff:127.0.0.1]:80": true, "weir.example": true, "WEIR.example:81": true, "": true,
		"192.0.2.1:8080": false, "elsewhere.example": false, "localhost.elsewhere.example": false, "127.0.0.1.elsewhere.example": false,
		"127.1": false, "0x7f000001": false, "[::1%25lo]": false, "[::2]:8080": false, "0.0.0.0:8080": false, "localhost:8080:1": false,
		"elsewhere.example:localhost": false, "xlocalhost": false, "notweir.example": false,
	} {
		for listens, h := range faces {
			r := httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody)
			r.Host = host
			recorder := httptest.NewRecorder()
			h.ServeHTTP(recorder, r)
			want := http.StatusOK
			if listens && !loopback {
				want = http.StatusMisdirectedRequest
			}
			if recorder.Code != want {
				t.Errorf("Host %q, on loopback %t: %d, want %d", host, listens, recorder.Code, want)
			}
		}
	}
}

// What comes from our own page, or from no page, is let in; see CrossOriginProtection.
func TestOrigins(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	for _, c := range []struct {
		fields []string
		status int
	}{
		{nil, 404},
		{[]string{"Origin", "http://example.com"}, 404}, // the request's Host
		{[]string{"Origin", "http://example.com", "Sec-Fetch-Site", "same-origin"}, 404},
		{[]string{"Sec-Fetch-Site", "none"}, 404},
		{[]string{"Origin", "http://elsewhere.example"}, 403},
		{[]string{"Origin", "http://example.com:81"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Origin", "http://example.com", "Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		fields := append([]string{"Authorization", "Bearer " + adminToken}, c.fields...)
		if a := do(t, w.face, "DELETE", "/api/v1/streams/nobody", fields...); a.StatusCode != c.status {
			t.Errorf("%v: %d, want %d", c.fields, a.StatusCode, c.status)
		}
	}
}

func TestBearer(t *testing.T) {
	h, _ := newFace(t, nil)
	for field, code := range map[string]string{
		"Bearer " + adminToken: "", "bearer " + adminToken: "", "Bearer   " + adminToken + " ": "",
		"Bearer": "token_missing", "Bearer ": "token_missing", "Basic " + adminToken: "token_missing", adminToken: "token_missing",
		"Bearer undefined": "token_unknown", "Bearer " + adminToken + "x": "token_unknown", "Bearer x " + adminToken: "token_unknown",
		"Bearer " + strings.Repeat("a", 8000): "token_unknown", "Bearer \x01\xff": "token_unknown",
	} {
		a := do(t, h, "GET", "/api/v1/time", "Authorization", field)
		if code == "" && a.StatusCode != http.StatusOK || code != "" && a.problem(t).Code != code {
			t.Errorf("%.40q: %d %s", field, a.StatusCode, a.Body)
		}
		if code != "" && strings.Contains(a.Body, adminToken) {
			t.Errorf("%q: the answer repeats it: %s", field, a.Body)
		}
	}
	twice := do(t, h, "GET", "/api/v1/time", "Authorization", "Bearer "+adminToken, "Authorization", "Bearer "+adminToken)
	if twice.StatusCode != http.StatusUnauthorized {
		t.Errorf("two tokens: %d", twice.StatusCode)
	}
}
