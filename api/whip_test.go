package api_test

import (
	"net/http"
	"os"
	"testing"

	"weir/api"
)

// /whip alone publishes into the stream that is configured for the token's name.
func TestWhipAlone(t *testing.T) {
	offer, err := os.ReadFile("../session/negotiate/testdata/offers/publish/gstreamer-whipsink-0.15.4.sdp")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, worldOptions{running: true, change: func(o *api.Options) {
		o.StreamOf = func(token string) (string, bool) { return "lobby", token == "studio" }
	}})
	post := func(token string) answer {
		return call{
			method: "POST", target: "/whip", body: string(offer),
			fields: []string{"Content-Type", "application/sdp", "Authorization", "Bearer " + token},
		}.send(t, w.face)
	}
	if a := post(publishToken); a.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", a.StatusCode, a.Body)
	}
	if all := w.sessions.Sessions(); len(all) != 1 || all[0].Stream() != "lobby" || all[0].Protocol() != "whip" {
		t.Errorf("%d sessions", len(all))
	}
	if a := post(adminToken); a.StatusCode != http.StatusNotFound || a.problem(t).Code != "no_stream_configured" {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
}
