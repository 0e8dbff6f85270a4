package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// A token that no header may hold is refused, and not told again.
func TestPushToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	for token, status := range map[string]int{
		`sn34ky\n`: 422, `a sn34ky token`: 422, `sn34ky\u0000`: 422, `sn34kyé`: 422, strings.Repeat("sn34ky", 1000): 422, `sn34ky-._~+/=!`: 201,
	} {
		a := w.administer(t, "POST", "/api/v1/streams/lobby/pushes", `{"url":"http://127.0.0.1:9/whip/x","token":"`+token+`"}`)
		if a.StatusCode != status || strings.Contains(a.Body, "sn34ky") || status == 422 && !strings.Contains(a.Body, `"name":"token"`) {
			t.Errorf("%.20q: %d %s", token, a.StatusCode, a.Body)
		}
	}
}

// Whoever pushes to a host that is not listed is told the setting that lists them.
func TestPushToOtherHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	a := w.administer(t, "POST", "/api/v1/streams/lobby/pushes", `{"url":"http://198.51.100.1/whip/x"}`)
	if p := a.problem(t); a.StatusCode != http.StatusUnprocessableEntity || p.Code != "host_not_allowed" || !strings.Contains(p.Remedy, "relay.hosts") {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
}
