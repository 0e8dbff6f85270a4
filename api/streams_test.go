package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/wish"
	"weir/publisher"
	"weir/stream"
)

type streamView struct {
	Name    string
	Live    bool
	Codecs  []string
	Private bool
	Source  *struct {
		Kind, State, Since string
		Params             map[string]any
	}
	Tracks []struct{ Kind, Codec, Title string }
}

func TestSources(t *testing.T) {
	w := newWorld(t, worldOptions{})
	got := decode[struct {
		Sources []struct {
			Name, Title, Description, Reason string
			Available, Private               bool
			Params                           json.RawMessage
		}
	}](t, w.administer(t, "GET", "/api/v1/sources", ""), http.StatusOK)
	var lines []string
	for _, s := range got.Sources {
		lines = append(lines, fmt.Sprintf("%s %s available %t private %t %s", s.Name, s.Title, s.Available, s.Private, s.Reason))
		var schema struct{ Type string }
		if err := json.Unmarshal(s.Params, &schema); err != nil || schema.Type != "object" {
			t.Errorf("%s: schema %s", s.Name, s.Params)
		}
	}
	want := []string{
		"tone Tone available true private false ", "camera Camera available true private true ",
		"file File available false private false This build has no file source.",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

// Where a film is, in whole milliseconds, rounded down; other sources say nothing of it.
func TestStreamPlayback(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	for name, want := range map[string]string{"film": `"playback":{"position_ms":1999,"duration_ms":60000,"paused":true}`, "lobby": ""} {
		w.administer(t, "POST", "/api/v1/streams/"+name, `{"source":"tone"}`)
		got := w.administer(t, "GET", "/api/v1/streams/"+name, "")
		if got.StatusCode != http.StatusOK || !strings.Contains(got.Body, want) || want == "" && strings.Contains(got.Body, "playback") {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Body)
		}
	}
}

func TestStreamsLife(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	made := w.administer(t, "POST", "/api/v1/streams/lobby", `{"source":"tone","params":{"hz":880}}`)
	s := decode[streamView](t, made, http.StatusCreated)
	if s.Name != "lobby" || !s.Live || s.Private || s.Source == nil || s.Source.Kind != "tone" || s.Source.State != "live" ||
		s.Source.Params["hz"] != 880.0 || len(s.Tracks) != 2 || s.Tracks[1].Title != "sound" {
		t.Errorf("made: %s", made.Body)
	}
	if got := made.Header.Get("Location"); got != "/api/v1/streams/lobby" {
		t.Errorf("Location %q", got)
	}
	if again := w.administer(t, "POST", "/api/v1/streams/lobby", `{"source":"tone"}`); again.StatusCode != http.StatusConflict || again.problem(t).Code != "stream_exists" {
		t.Errorf("twice: %d %s", again.StatusCode, again.Body)
	}
	changed := w.administer(t, "PATCH", "/api/v1/streams/lobby", `{"params":{"hz":null,"name":"x"},"private":true}`)
	if s := decode[streamView](t, changed, http.StatusOK); s.Source.Params["hz"] != 440.0 || s.Source.Params["name"] != "x" || !s.Private {
		t.Errorf("changed: %s", changed.Body)
	}
	if s := decode[streamView](t, w.administer(t, "GET", "/api/v1/streams/lobby", ""), http.StatusOK); !s.Private || s.Source.Params["name"] != "x" {
		t.Errorf("shown: %+v", s)
	}
	if gone := w.administer(t, "DELETE", "/api/v1/streams/lobby", ""); gone.StatusCode != http.StatusNoContent || gone.Body != "" {
		t.Errorf("stopped: %d %q", gone.StatusCode, gone.Body)
	}
	for _, method := range []string{"GET", "HEAD", "PATCH", "DELETE"} {
		body := ""
		if method == "PATCH" {
			body = "{}"
		}
		if a := w.administer(t, method, "/api/v1/streams/lobby", body); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s after the end: %d %s", method, a.StatusCode, a.Body)
		}
	}
}

// Who a stream is for, by the kind of source and what is asked.
func TestPrivacy(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	for i, c := range []struct {
		kind, asked string
		private     bool
	}{
		{"tone", ``, false},
		{"tone", `,"private":true`, true},
		{"tone", `,"private":false`, false},
		{"tone", `,"public":true`, false},
		{"tone", `,"private":false,"public":false`, false},
		{"camera", ``, true},
		{"camera", `,"private":false`, true},
		{"camera", `,"public":false`, true},
		{"camera", `,"public":true`, false},
		{"camera", `,"private":false,"public":true`, false},
	} {
		name := fmt.Sprintf("s%d", i)
		s := decode[streamView](t, w.administer(t, "POST", "/api/v1/streams/"+name, `{"source":"`+c.kind+`"`+c.asked+`}`), http.StatusCreated)
		if s.Private != c.private || w.sources.Private(name) != c.private {
			t.Errorf("%s%s: private %t, want %t", c.kind, c.asked, s.Private, c.private)
		}
	}
	for _, c := range []struct {
		name, asked string
		private     bool
	}{
		{"s1", `{}`, true},
		{"s1", `{"private":false}`, false},
		{"s1", `{"private":true}`, true},
		{"s1", `{"public":true}`, false},
		{"s5", `{"private":false}`, true},
		{"s5", `{"public":true}`, false},
		{"s5", `{"public":false}`, false},
		{"s5", `{"private":true}`, true},
		{"s0", `{"source":"camera","private":false}`, true},
	} {
		s := decode[streamView](t, w.administer(t, "PATCH", "/api/v1/streams/"+c.name, c.asked), http.StatusOK)
		if s.Private != c.private {
			t.Errorf("%s changed by %s: private %t, want %t", c.name, c.asked, s.Private, c.private)
		}
	}
}

func TestStreamsThatCannotBeStarted(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	long := strings.Repeat("a", 65)
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"docs", `{"source":"tone"}`, 404, "stream_name_invalid"},
		{"-x", `{"source":"tone"}`, 404, "stream_name_invalid"},
		{long, `{"source":"tone"}`, 404, "stream_name_invalid"},
		{"a%0D%0AX:%20y", `{"source":"tone"}`, 404, "stream_name_invalid"},
		{"x", `{"source":"nothing"}`, 422, "source_unknown"},
		{"x", `{"source":"file"}`, 422, "source_unavailable"},
		{"x", `{"params":{}}`, 422, "field_missing"},
		{"x", `{"source":"tone","private":true,"public":true}`, 422, "field_conflict"},
		{"x", `{"source":"tone","params":{"hz":5}}`, 422, "params_invalid"},
	} {
		a := w.administer(t, "POST", "/api/v1/streams/"+c.name, c.body)
		if a.StatusCode != c.status || a.problem(t).Code != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.name, c.body, a.StatusCode, a.Body, c.status, c.code)
		}
	}
	if p := w.administer(t, "POST", "/api/v1/streams/x", `{"source":"file"}`).problem(t); p.Detail != "This build has no file source." {
		t.Errorf("detail %q", p.Detail)
	}
	if p := w.administer(t, "POST", "/api/v1/streams/x", `{"source":"nothing"}`).problem(t); !slices.Equal(p.Has, []string{"tone", "camera", "file"}) {
		t.Errorf("has %q", p.Has)
	}
	p := w.administer(t, "POST", "/api/v1/streams/x", `{"source":"tone","params":{"hz":5,"name":7,"colour":"red"}}`).problem(t)
	var names []string
	for _, one := range p.Problems {
		names = append(names, one.Name)
		if one.Detail == "" {
			t.Errorf("nothing said of %s", one.Name)
		}
	}
	if diff := cmp.Diff([]string{"colour", "hz", "name"}, names); diff != "" {
		t.Error(diff)
	}
	if len(w.sources.All()) > 0 {
		t.Errorf("something runs: %+v", w.sources.All())
	}
}

func TestStreamsArePaged(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("s%d", i))
		w.begin(t, want[i], "tone", i == 3)
	}
	type list struct {
		Streams []streamView
		Next    string
	}
	var got, sizes []string
	for after := ""; ; {
		l := decode[list](t, w.administer(t, "GET", "/api/v1/streams?limit=3&after="+after, ""), http.StatusOK)
		for _, s := range l.Streams {
			got = append(got, s.Name)
			if s.Source == nil {
				t.Errorf("%s: who administers is told no more", s.Name)
			}
		}
		sizes = append(sizes, fmt.Sprint(len(l.Streams)))
		if after = l.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || strings.Join(sizes, " ") != "3 3 1" {
		t.Errorf("pages of %s:\n%s", sizes, diff)
	}
	public := decode[list](t, do(t, w.face, "GET", "/api/v1/streams?limit=4"), http.StatusOK)
	if len(public.Streams) != 4 || public.Next != "s4" || public.Streams[3].Name != "s4" {
		t.Errorf("public: %+v", public)
	}
	whole := decode[list](t, w.administer(t, "GET", "/api/v1/streams?limit=7", ""), http.StatusOK)
	if len(whole.Streams) != 7 || whole.Next != "" {
		t.Errorf("whole: %d, next %q", len(whole.Streams), whole.Next)
	}
	if beyond := decode[list](t, w.administer(t, "GET", "/api/v1/streams?after=zzz", ""), http.StatusOK); len(beyond.Streams) != 0 || beyond.Next != "" {
		t.Errorf("beyond the end: %+v", beyond)
	}
}

// A stream whose source has ended is told to who administers, and to nobody else.
func TestStreamThatIsNotLive(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	p, err := w.registry.Publish("guest", "somebody", silent{}.specsOf(t, w))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close("ended")
	if s := decode[streamView](t, w.administer(t, "GET", "/api/v1/streams/guest", ""), http.StatusOK); !s.Live || s.Source != nil {
		t.Errorf("fed by somebody else: %+v", s)
	}
	if a := w.administer(t, "DELETE", "/api/v1/streams/guest", ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("somebody else's stream is stopped: %d", a.StatusCode)
	}
	if a := w.administer(t, "POST", "/api/v1/streams/guest", `{"source":"tone"}`); a.StatusCode != http.StatusConflict || a.problem(t).Code != "stream_exists" {
		t.Errorf("somebody else's stream is started: %d %s", a.StatusCode, a.Body)
	}
}

// specsOf are those of the tests' source.
func (silent) specsOf(t *testing.T, w *world) []stream.Spec {
	t.Helper()
	source, err := w.sources.Kinds()[0].New("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return source.Specs()
}

func TestQueries(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for query, code := range map[string]string{
		"": "", "?": "", "?limit=1": "", "?limit=500": "", "?limit=0500": "", "?after=": "", "?after=%00": "",
		"?limit=0": "query_malformed", "?limit=501": "query_malformed", "?limit=-1": "query_malformed", "?limit=": "query_malformed",
		"?limit=1.0": "query_malformed", "?limit=1e2": "query_malformed", "?limit=99999999999999999999": "query_malformed",
		"?limit=+5": "query_malformed", "?limit=1&limit=1": "query_malformed", "?limit=%zz": "query_malformed", "?a;b": "query_malformed",
		"?Limit=1": "query_unknown", "?offset=1": "query_unknown", "?limit=0&offset=1": "query_unknown", "?%0d%0aX:y=1": "query_unknown",
		"?token=" + adminToken: "query_unknown",
	} {
		for _, target := range []string{"/api/v1/streams", "/api/v1/sessions"} {
			a := w.administer(t, "GET", target+query, "")
			if code == "" && a.StatusCode != http.StatusOK || code != "" && (a.StatusCode != http.StatusBadRequest || a.problem(t).Code != code) {
				t.Errorf("%s%s: %d %s, want %q", target, query, a.StatusCode, a.Body, code)
			}
			if strings.Contains(a.Body, adminToken) {
				t.Errorf("%s repeats a value: %s", query, a.Body)
			}
		}
	}
	for _, target := range []string{
		"/api/v1/version", "/api/v1/time", "/api/v1/sources", "/api/v1/streams/x", "/api/v1/sessions/x", "/api/v1/events",
	} {
		if a := w.administer(t, "GET", target+"?x=1", ""); a.problem(t).Code != "query_unknown" {
			t.Errorf("%s: %d %s", target, a.StatusCode, a.Body)
		}
	}
	many := "?" + strings.Repeat("a&", 10) + strings.Join(slices.Repeat([]string{"b"}, 3), "&")
	for i := range 100 {
		many += fmt.Sprintf("&%s%d=", strings.Repeat("c", 50), i)
	}
	if p := w.administer(t, "GET", "/api/v1/time"+many, "").problem(t); len(p.Problems) != 20 || len(p.Problems[5].Name) > 50 {
		t.Errorf("%d problems: %+v", len(p.Problems), p.Problems)
	}
}

func TestBodies(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	w.begin(t, "lobby", "tone", false)
	deep := strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30)
	for body, want := range map[string]struct {
		status   int
		code     string
		problems []wish.Problem
	}{
		``:                                    {400, "body_malformed", nil},
		`  `:                                  {400, "body_malformed", nil},
		`{`:                                   {400, "body_malformed", nil},
		`{"params"`:                           {400, "body_malformed", nil},
		`{"params":}`:                         {400, "body_malformed", nil},
		`{"params":{}`:                        {400, "body_malformed", nil},
		`{"params":{},}`:                      {400, "body_malformed", nil},
		`{} {}`:                               {400, "body_malformed", nil},
		`{}x`:                                 {400, "body_malformed", nil},
		`[]`:                                  {400, "body_malformed", nil},
		`null`:                                {400, "body_malformed", nil},
		`"source"`:                            {400, "body_malformed", nil},
		`7`:                                   {400, "body_malformed", nil},
		"{\"source\":\"\xff\"}":               {400, "body_malformed", nil},
		`{"params":{},"params":{}}`:           {400, "body_malformed", nil},
		`{"params":{"hz":440,"hz":441}}`:      {400, "body_malformed", nil},
		`{"params":{"a":[{"b":{},"b":1}]}}`:   {400, "body_malformed", nil},
		`{"params":{"hz":440,"\u0068z":441}}`: {400, "body_malformed", nil},
		`{"params":{"a":[{"b":{},"c":1},{"b":["b","b"]}]}}`: {422, "params_invalid", nil},
		`{"private":"yes"}`:      {422, "field_type", []wish.Problem{{Name: "private", Detail: "must be true or false"}}},
		`{"private":1}`:          {422, "field_type", []wish.Problem{{Name: "private", Detail: "must be true or false"}}},
		`{"private":null}`:       {422, "field_type", []wish.Problem{{Name: "private", Detail: "must be true or false"}}},
		`{"source":null}`:        {422, "field_type", []wish.Problem{{Name: "source", Detail: "must be a string"}}},
		`{"source":{"a":[1,2]}}`: {422, "field_type", []wish.Problem{{Name: "source", Detail: "must be a string"}}},
		`{"params":null}`:        {422, "field_type", []wish.Problem{{Name: "params", Detail: "must be an object"}}},
		`{"params":[]}`:          {422, "field_type", []wish.Problem{{Name: "params", Detail: "must be an object"}}},
		`{"params":"{}"}`:        {422, "field_type", []wish.Problem{{Name: "params", Detail: "must be an object"}}},
		`{"Source":"tone"}`:      {422, "field_unknown", []wish.Problem{{Name: "Source", Detail: "is not known here"}}},
		`{"a\u000ab":1,"source":7}`: {422, "field_unknown", []wish.Problem{
			{Name: "a?b", Detail: "is not known here"}, {Name: "source", Detail: "must be a string"},
		}},
		`{"params":{"a":` + deep + `}}`: {422, "params_invalid", nil},
		` {"params":{}} ` + "\n":        {200, "", nil},
		`{}`:                            {200, "", nil},
	} {
		a := call{
			method: "PATCH", target: "/api/v1/streams/lobby", body: body,
			fields: []string{"Authorization", "Bearer " + adminToken, "Content-Type", "Application/JSON; charset=utf-8"},
		}.send(t, w.face)
		if a.StatusCode != want.status {
			t.Errorf("%q: %d %s, want %d", body, a.StatusCode, a.Body, want.status)
			continue
		}
		if want.code == "" {
			continue
		}
		p := a.problem(t)
		if p.Code != want.code {
			t.Errorf("%q: %s, want %s", body, p.Code, want.code)
		}
		if want.problems != nil {
			if diff := cmp.Diff(want.problems, p.Problems); diff != "" {
				t.Errorf("%q:\n%s", body, diff)
			}
		}
	}
}

func TestBodiesThatAreNotRead(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	w.begin(t, "lobby", "tone", false)
	for _, c := range []struct {
		method, body string
		fields       []string
		status       int
		code         string
		field, value string
	}{
		{"POST", "{}", nil, 415, "wrong_media_type", "Accept-Post", "application/json"},
		{"POST", "{}", []string{"Content-Type", "text/plain"}, 415, "wrong_media_type", "Accept-Post", "application/json"},
		{"POST", "{}", []string{"Content-Type", "application/merge-patch+json"}, 415, "wrong_media_type", "Accept-Post", "application/json"},
		{"POST", "{}", []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, 415, "wrong_content_encoding", "Accept-Encoding", "identity"},
		{"POST", "{}", []string{"Content-Type", "application/json", "Content-Type", "text/plain"}, 415, "wrong_media_type", "Accept-Post", "application/json"},
		{"POST", "{\"a\": \"\xff\"}", []string{"Content-Type", "application/json"}, 400, "body_malformed", "", ""},
		{"PATCH", "{}", []string{"Content-Type", "text/json"}, 415, "wrong_media_type", "Accept-Patch", "application/merge-patch+json, application/json"},
		{"PATCH", "{}", []string{"Content-Type", "application/json", "Content-Encoding", "identity"}, 200, "", "", ""},
		{"PATCH", `{"params":{"name":"` + strings.Repeat("a", 64<<10) + `"}}`, []string{"Content-Type", "application/json"}, 413, "body_too_large", "", ""},
		{"PATCH", strings.Repeat(" ", 64<<10-2) + "{}", []string{"Content-Type", "application/json"}, 200, "", "", ""},
	} {
		a := call{
			method: c.method, target: "/api/v1/streams/lobby", body: c.body,
			fields: append([]string{"Authorization", "Bearer " + adminToken}, c.fields...),
		}.send(t, w.face)
		if a.StatusCode != c.status || c.code != "" && a.problem(t).Code != c.code || a.Header.Get(c.field) != c.value {
			t.Errorf("%s %v: %d %s %q, want %d %s %q", c.method, c.fields, a.StatusCode, a.Body, a.Header.Get(c.field), c.status, c.code, c.value)
		}
	}
}

// A body is read before anything is started, and an error of the rooms below that is not in the table is told to nobody.
func TestEndingSupervisorIsTold(t *testing.T) {
	w := newWorld(t, worldOptions{})
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	go func() { ended <- w.sources.Run(ctx) }()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	a := w.administer(t, "POST", "/api/v1/streams/x", `{"source":"tone"}`)
	if a.StatusCode != http.StatusServiceUnavailable || a.problem(t).Code != "shutting_down" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.Body)
	}
}

func TestTooManySources(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.run(t)
	for i := range 1000 {
		if _, err := w.sources.Start(fmt.Sprintf("s%d", i), publisher.Start{Source: "tone"}); err != nil {
			t.Fatal(err)
		}
	}
	a := w.administer(t, "POST", "/api/v1/streams/x", `{"source":"tone"}`)
	if a.StatusCode != http.StatusServiceUnavailable || a.problem(t).Code != "too_many_sources" {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
	if list := w.administer(t, "GET", "/api/v1/streams?limit=500", ""); list.StatusCode != http.StatusOK {
		t.Errorf("%d", list.StatusCode)
	}
}
