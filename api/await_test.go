package api_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/publisher"
	"weir/stream"
)

// Facts that are waited for come when the stream begins, or when the time is up;
// a private stream is, without the right to play it, as one that nobody publishes.
func TestFactsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		ask := func(target string, fields ...string) (string, time.Duration) {
			begun := time.Now()
			a := do(t, w.face, "GET", target, append(fields, "Accept", "application/json")...)
			return a.Body, time.Since(begun)
		}
		want := func(body string, took time.Duration, live string, after time.Duration) {
			t.Helper()
			if body != live+"\n" || took != after {
				t.Errorf("%s after %v, want %s after %v", body, took, live, after)
			}
		}
		body, took := ask("/whep/lobby?wait=7")
		want(body, took, `{"name":"lobby","live":false,"codecs":[]}`, 7*time.Second)
		body, took = ask("/whep/lobby?wait=60")
		want(body, took, `{"name":"lobby","live":false,"codecs":[]}`, 20*time.Second) // as long as is configured

		time.AfterFunc(time.Second, func() {
			specs := []stream.Spec{{Format: publisher.H264()}}
			if _, err := w.registry.Publish("lobby", "somebody", specs); err != nil {
				t.Error(err)
			}
			if _, err := w.registry.Publish("attic", "somebody", specs); err != nil {
				t.Error(err)
			}
		})
		body, took = ask("/lobby/whep?wait=7")
		want(body, took, `{"name":"lobby","live":true,"codecs":["H264"]}`, time.Second)
		body, took = ask("/lobby/whep?wait=7")
		want(body, took, `{"name":"lobby","live":true,"codecs":["H264"]}`, 0)

		lobby, _ := w.registry.Find("lobby")
		lobby.Publication().Away(true)
		time.AfterFunc(2*time.Second, func() { lobby.Publication().Away(false) })
		if list := do(t, w.face, "GET", "/api/v1/streams"); strings.Contains(list.Body, "lobby") {
			t.Errorf("a stream whose publisher is away is listed: %s", list.Body)
		}
		body, took = ask("/lobby/whep?wait=7")
		want(body, took, `{"name":"lobby","live":true,"codecs":["H264"]}`, 2*time.Second)

		w.begin(t, "cellar", "tone", true)
		for _, name := range []string{"cellar", "nobody"} {
			body, took = ask("/whep/" + name + "?wait=7")
			want(body, took, `{"name":"`+name+`","live":false,"codecs":[]}`, 7*time.Second)
		}
		body, took = ask("/whep/cellar?wait=7", "Authorization", "Bearer "+adminToken)
		want(body, took, `{"name":"cellar","live":true,"codecs":["H264","opus"]}`, 0)
		if err := w.sources.Stop(t.Context(), "cellar"); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the wait ends when the stream may be known of
		w := newWorld(t, worldOptions{})
		ask := func(after time.Duration, live string) {
			t.Helper()
			begun := time.Now()
			a := do(t, w.face, "GET", "/whep/cellar?wait=15", "Accept", "application/json")
			if took := time.Since(begun); a.Body != live+"\n" || took != after {
				t.Errorf("%s after %v, want %s after %v", a.Body, took, live, after)
			}
		}
		const live = `{"name":"cellar","live":true,"codecs":["H264","opus"]}`
		w.begin(t, "cellar", "tone", true)
		time.AfterFunc(time.Second, func() {
			if _, err := w.sources.Change("cellar", publisher.Change{Private: new(false)}); err != nil {
				t.Error(err)
			}
		})
		ask(time.Second, live)
		if err := w.sources.Stop(t.Context(), "cellar"); err != nil {
			t.Error(err)
		}
		w.begin(t, "cellar", "tone", true)
		time.AfterFunc(time.Second, func() {
			if err := w.sources.Stop(t.Context(), "cellar"); err != nil {
				t.Error(err)
			}
		})
		time.AfterFunc(2*time.Second, func() { w.begin(t, "cellar", "tone", false) })
		ask(2*time.Second, live)
		if err := w.sources.Stop(t.Context(), "cellar"); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, worldOptions{})
	for _, bad := range []string{"", "0", "61", "2.5", "soon", "1&wait=2"} {
		a := do(t, w.face, "GET", "/whep/lobby?wait="+bad, "Accept", "application/json")
		if p := a.problem(t); a.StatusCode != http.StatusBadRequest || p.Code != "query_malformed" || len(p.Problems) != 1 || p.Problems[0].Name != "wait" {
			t.Errorf("%q: %d %+v", bad, a.StatusCode, p)
		}
	}
}
