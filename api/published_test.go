package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// A stream that a session publishes is neither stopped, changed nor started; who
// tries is told how to end the session.
func TestPublishedStreamIsNoSource(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	server := httptest.NewServer(w.face)
	t.Cleanup(server.Close)
	publisher, err := webrtctest.Publish(t.Context(), server.URL+"/whip/cam", webrtctest.PublishOptions{
		Fields: []string{"Authorization", "Bearer " + publishToken}, NoAudio: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() }) // the server has ended it
	id := w.sessions.Sessions()[0].ID()
	for method, body := range map[string]string{"DELETE": "", "PATCH": `{"private":true}`, "POST": `{"source":"tone"}`} {
		a := w.administer(t, method, "/api/v1/streams/cam", body)
		if a.StatusCode != http.StatusConflict || a.problem(t).Code != "published_by_session" || !strings.Contains(a.problem(t).Remedy, "DELETE /api/v1/sessions/"+id+" ") {
			t.Errorf("%s: %d %s", method, a.StatusCode, a.Body)
		}
	}
	if a := w.administer(t, "DELETE", "/api/v1/sessions/"+id, ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
	if a := w.administer(t, "DELETE", "/api/v1/streams/cam", ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("then it is %d %s", a.StatusCode, a.Body)
	}
}
