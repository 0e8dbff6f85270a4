package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"weir/api"
)

// A proxy on this machine is believed in what it appended, and nobody else in anything.
func TestCallerBehindAProxy(t *testing.T) {
	for _, c := range []struct {
		name, peer, want string
		fields           []string
	}{
		{"nobody forwards", "192.0.2.7:1234", "192.0.2.7:1234", nil},
		{"on this machine", "127.0.0.1:1234", "127.0.0.1:1234", nil},
		{"nginx", "127.0.0.1:1234", "203.0.113.7:0", []string{"X-Forwarded-For", "203.0.113.7"}},
		{"with a port", "[::1]:1234", "203.0.113.7:4711", []string{"X-Forwarded-For", "203.0.113.7:4711"}},
		{"IPv6", "[::1]:1234", "[2001:db8::7]:0", []string{"X-Forwarded-For", "2001:db8::7"}},
		{"IPv6 with a port", "[::ffff:127.0.0.1]:1234", "[2001:db8::7]:4711", []string{"X-Forwarded-For", "[2001:db8::7]:4711"}},
		{"the client names others", "127.0.0.1:1", "203.0.113.7:0", []string{"X-Forwarded-For", "198.51.100.1, 127.0.0.1,203.0.113.7"}},
		{"in a field of its own", "127.0.0.1:1", "203.0.113.7:0", []string{"X-Forwarded-For", "198.51.100.1", "X-Forwarded-For", "203.0.113.7"}},
		{
			"in a field that the proxy does not know", "127.0.0.1:1", "203.0.113.7:0",
			[]string{"X-Forwarded-For", "203.0.113.7", "Forwarded", "for=198.51.100.1"},
		},
		{"two proxies here", "127.0.0.1:1", "203.0.113.7:0", []string{"X-Forwarded-For", "198.51.100.1, 203.0.113.7, 127.0.0.1"}},
		{"the client is here too", "127.0.0.1:1", "[::1]:0", []string{"X-Forwarded-For", "::1"}},
		{"RFC 7239", "127.0.0.1:1", "203.0.113.7:0", []string{"Forwarded", "for=198.51.100.1;proto=http, For=203.0.113.7;proto=https"}},
		{"RFC 7239 with IPv6", "127.0.0.1:1", "[2001:db8::7]:4711", []string{"Forwarded", `for="[2001:db8::7]:4711"`}},
		{"hidden", "127.0.0.1:1", "127.0.0.1:1", []string{"Forwarded", "for=198.51.100.1, for=_gazonk"}},
		{"unknown", "127.0.0.1:1", "127.0.0.1:1", []string{"X-Forwarded-For", "198.51.100.1, unknown"}},
		{"empty", "127.0.0.1:1", "127.0.0.1:1", []string{"X-Forwarded-For", ""}},
		{"from another machine", "192.0.2.7:1", "192.0.2.7:1", []string{"X-Forwarded-For", "203.0.113.7", "Forwarded", "for=203.0.113.7"}},
	} {
		r := httptest.NewRequest(http.MethodPost, "/whep/test", http.NoBody)
		r.RemoteAddr = c.peer
		for i := 0; i < len(c.fields); i += 2 {
			r.Header.Add(c.fields[i], c.fields[i+1])
		}
		if _, _, remote := api.Caller(r); remote.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, remote, c.want)
		}
	}
}

// The limits on one address count the client of a proxy, not the proxy; what is refused for its rate is counted.
func TestLimitsBehindAProxy(t *testing.T) {
	limited := map[string]int{}
	w := newWorld(t, worldOptions{running: true, change: func(o *api.Options) {
		o.RequestRate, o.RequestBurst = 1, 2
		o.Limited = func(name string) { limited[name]++ }
	}})
	post := func(fields ...string) answer {
		return call{method: "POST", target: "/whep/nobody", body: "x", fields: append(fields, "Content-Type", "application/sdp")}.send(t, w.face)
	}
	for range 2 {
		post("X-Forwarded-For", "198.51.100.1, 203.0.113.7")
	}
	a := post("X-Forwarded-For", "198.51.100.2, 203.0.113.7")
	if p := a.problem(t); a.StatusCode != http.StatusTooManyRequests || p.Code != "too_many_requests" || p.Remedy == "" || a.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.Body)
	}
	for range 3 {
		if a := post(); a.StatusCode == http.StatusTooManyRequests {
			t.Error("this machine's own are counted")
		}
	}
	if a := post("X-Forwarded-For", "203.0.113.8"); a.StatusCode == http.StatusTooManyRequests {
		t.Error("another client is refused")
	}
	if len(limited) != 1 || limited["too_many_requests"] != 1 {
		t.Errorf("counted %v", limited)
	}
}
