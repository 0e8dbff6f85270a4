package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// A token in an address, where a name belongs, becomes no stream's name, and whoever reads the answer, the log or the
// events does not learn it.
func TestNoStreamIsNamedLikeAToken(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	offer := chromiumOffer(t)
	const sdp, object = "application/sdp", `{"source":"tone"}`
	for _, secret := range []string{adminToken, ownToken, "weir_ONETHATWASREVOKED"} {
		for _, c := range []struct{ method, target, kind, body string }{
			{"POST", "/whip/" + secret, sdp, offer},
			{"POST", "/" + secret + "/whip", sdp, offer},
			{"POST", "/whep/" + secret, sdp, offer},
			{"POST", "/" + secret + "/whep", sdp, offer},
			{"GET", "/whep/" + secret, "", ""},
			{"POST", "/api/v1/streams/" + secret, "application/json", object},
			{"PATCH", "/api/v1/streams/" + secret, "application/json", object},
			{"GET", "/api/v1/streams/" + secret, "", ""},
			{"DELETE", "/api/v1/streams/" + secret, "", ""},
			{"GET", "/api/v1/streams/" + secret + "/pushes", "", ""},
			{"POST", "/api/v1/streams/" + secret + "/pushes", "application/json", `{"url":"http://127.0.0.1:9/whip/x"}`},
			{"GET", "/api/v1/streams/" + secret + "/obs-profile", "", ""},
			{"GET", "/api/v1/sessions/" + secret, "", ""},
			{"GET", "/watch/" + secret, "", ""},
			{"GET", "/embed/" + secret, "", ""},
			{"GET", "/publish/" + secret, "", ""},
			{"GET", "/session/" + secret, "", ""},
			{"GET", "/" + secret, "", ""},
		} {
			fields := []string{"Authorization", "Bearer " + adminToken, "Accept", "application/json"}
			if c.kind != "" {
				fields = append(fields, "Content-Type", c.kind)
			}
			a := call{method: c.method, target: c.target, body: c.body, fields: fields}.send(t, w.face)
			if p := a.problem(t); a.StatusCode < 400 || a.StatusCode > 499 || p.Code == "" || p.Remedy == "" {
				t.Errorf("%s %s: %d %s", c.method, c.target, a.StatusCode, a.Body)
			}
			wantSilent(t, c.method+" "+c.target, secret, a)
		}
		for _, as := range []string{"play", "publish"} {
			a := call{
				method: "POST", target: "/api/v1/explain?stream=" + secret + "&as=" + as, body: offer,
				fields: []string{"Authorization", "Bearer " + adminToken, "Content-Type", sdp},
			}.send(t, w.face)
			if v := decode[verdict](t, a, http.StatusOK); v.Status != http.StatusNotFound || v.Code != "no_such_stream" {
				t.Errorf("explain %s as %s: %+v", secret, as, v)
			}
			wantSilent(t, "explain", secret, a)
		}
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
		events, _, _ := w.events.Read(w.events.Oldest(), 1000)
		for _, e := range events {
			if strings.Contains(string(e.Data), secret) {
				t.Errorf("event %s: %s", e.Name, e.Data)
			}
		}
	}
	if streams := w.registry.Streams(); len(streams) != 0 {
		t.Errorf("%d streams", len(streams))
	}
}

func wantSilent(t *testing.T, what, secret string, a answer) {
	t.Helper()
	if strings.Contains(a.Body, secret) {
		t.Errorf("%s: repeated in %s", what, a.Body)
	}
	for name, values := range a.Header {
		if strings.Contains(strings.Join(values, " "), secret) {
			t.Errorf("%s: repeated in the field %s", what, name)
		}
	}
}
