package relay_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/webrtctest"
	"weir/publisher"
	"weir/relay"
)

// What a publisher's stream has come through is forgotten with the publication:
// another source of the same name begins here.
func TestHopsAreForgotten(t *testing.T) {
	t.Parallel()
	from, to := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
	from.feed(t, "live")
	passed := func(stream string) int {
		w := httptest.NewRecorder()
		if err := to.hops.Play(w, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/whep/"+stream, nil), stream); err != nil {
			t.Fatal(err)
		}
		return len(strings.Split(w.Header().Get(relay.HopsField), ","))
	}
	for _, name := range []string{"copy", "second", "third"} {
		st := from.push(t, "live", to.whip(name), "")
		from.state(t, "live", st.ID, publisher.StateLive)
		if got := passed(name); got != 2 {
			t.Errorf("%s has passed %d servers, want 2", name, got)
		}
		if err := from.relay.EndPush(t.Context(), "live", st.ID); err != nil {
			t.Fatal(err)
		}
		webrtctest.Until(t, soon, func() string {
			if st, ok := to.registry.Find(name); ok && st.Publication() != nil {
				return "the end of the publication"
			}
			return ""
		})
	}
	to.feed(t, "copy")
	if got := passed("copy"); got != 1 {
		t.Errorf("what begins here has passed %d servers, want 1", got)
	}
	if got := to.hops.Known(); got > 1 {
		t.Errorf("%d streams that have ended are remembered", got)
	}
}
