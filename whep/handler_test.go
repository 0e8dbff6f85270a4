package whep_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/wish"
	"weir/session"
	"weir/whep"
)

// refuser refuses every offer with err, and keeps the request.
type refuser struct {
	err error
	got *session.Request
}

func (f *refuser) Egress(_ context.Context, r session.Request) (*session.Session, string, error) {
	f.got = &r
	return nil, "", f.err
}

func call(t *testing.T, h http.Handler, method, body string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/whep/test", strings.NewReader(body))
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	r.SetPathValue("stream", "test")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func mustICEServer(t *testing.T, s string) wish.ICEServer {
	t.Helper()
	server, err := wish.ParseICEServer(s)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// What the endpoint says by itself; what needs a session is in rules_test.go.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	notLive := &wish.Refusal{Status: 409, Code: "stream_not_live", Headers: map[string]string{"Retry-After": "2"}}
	const turn = `<turn:turn.example.net>; rel="ice-server"; username="user"; credential="pass"; credential-type="password"`
	for _, test := range []struct {
		rule, method, body string
		fields             []string
		err                error
		status             int
		want               map[string]string // header fields; "" is for none
		links              []string
	}{
		{rule: "xx-08", method: "GET", status: 204, want: map[string]string{"Access-Control-Allow-Origin": "*"}},
		{rule: "WHEP-09", method: "HEAD", status: 200, want: map[string]string{"Content-Type": "application/sdp"}},
		{rule: "xx-10", method: "OPTIONS", status: 200, links: []string{`<stun:stun.example.net>; rel="ice-server"`, turn}},
		{rule: "xx-12", method: "OPTIONS", status: 200, want: map[string]string{"Accept-Post": "application/sdp"}, links: []string{`<stun:stun.example.net>; rel="ice-server"`, turn}},
		{rule: "xx-19", method: "OPTIONS", fields: []string{"Origin", "https://example.net", "Access-Control-Request-Method", "POST"}, status: 200, want: map[string]string{
			"Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE, OPTIONS", "Access-Control-Allow-Headers": "authorization, content-type, if-match, etag",
		}},
		{rule: "xx-15", method: "PUT", body: "v=0", status: 405, want: map[string]string{"Allow": "GET, HEAD, POST, OPTIONS", "Access-Control-Allow-Origin": "*"}},
		{rule: "xx-15 DELETE", method: "DELETE", status: 405},
		{rule: "xx-05", method: "POST", body: "v=0", fields: []string{"Content-Type", "text/plain"}, status: 415, want: map[string]string{"Accept-Post": "application/sdp"}},
		{rule: "BAD-01", method: "POST", fields: []string{"Content-Type", "application/sdp"}, status: 400},
		{rule: "BAD-02", method: "POST", body: strings.Repeat("a=x\r\n", 1000), fields: []string{"Content-Type", "application/sdp"}, status: 413},
		{rule: "WHEP-20", method: "POST", body: "v=0", fields: []string{"Content-Type", "application/sdp"}, err: notLive, status: 409, want: map[string]string{"Retry-After": "2", "Content-Type": "application/problem+json"}},
		{rule: "an error of ours", method: "POST", body: "v=0", fields: []string{"Content-Type", "application/sdp"}, err: errors.New("broken"), status: 500, want: map[string]string{"Location": ""}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			h := whep.New(whep.Options{
				Sessions: &refuser{err: test.err}, MaxOffer: 1000,
				ICEServers: []wish.ICEServer{mustICEServer(t, "stun:stun.example.net"), mustICEServer(t, "turn:user:pass@turn.example.net")},
			})
			w := call(t, h, test.method, test.body, test.fields...)
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			for name, want := range test.want {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if diff := cmp.Diff(test.links, w.Header().Values("Link"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Link fields (-want +got):\n%s", diff)
			}
			if test.status < 300 && w.Body.Len() > 0 {
				t.Error("the reply has a body")
			}
		})
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, remote, field string
		forwarded           bool
		want                string
	}{
		{name: "direct", remote: "192.0.2.1:1000", want: "192.0.2.1:1000"},
		{name: "mapped IPv4", remote: "[::ffff:192.0.2.1]:1000", want: "192.0.2.1:1000"},
		{name: "loopback", remote: "127.0.0.1:1000", want: "127.0.0.1:1000"},
		{name: "local proxy", remote: "127.0.0.1:1000", field: "X-Forwarded-For", forwarded: true, want: "127.0.0.1:1000"},
		{name: "local proxy by the RFC", remote: "[::1]:1000", field: "Forwarded", forwarded: true, want: "[::1]:1000"},
		{name: "stranger who says so", remote: "192.0.2.1:1000", field: "X-Forwarded-For", want: "192.0.2.1:1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := &refuser{err: errors.New("refused")}
			ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.ParseIP("192.0.2.9"), Port: 8080}))
			r := httptest.NewRequestWithContext(ctx, "POST", "/whep/test", strings.NewReader("v=0"))
			r.RemoteAddr = test.remote
			r.Header.Set("Content-Type", "application/sdp")
			if test.field != "" {
				r.Header.Set(test.field, "203.0.113.1")
			}
			r.SetPathValue("stream", "some")
			whep.New(whep.Options{Sessions: fake}).ServeHTTP(httptest.NewRecorder(), r)
			want := session.Request{
				Stream: "some", Offer: "v=0", Forwarded: test.forwarded,
				Remote: netip.MustParseAddrPort(test.want), Local: netip.MustParseAddrPort("192.0.2.9:8080"),
			}
			if diff := cmp.Diff(&want, fake.got, cmpopts.IgnoreFields(session.Request{}, "Hidden"), cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
	fake := &refuser{err: errors.New("refused")}
	remote := netip.MustParseAddrPort("198.51.100.1:7")
	h := whep.New(whep.Options{Sessions: fake, Caller: func(*http.Request) (string, string, netip.AddrPort) { return "secret", "name", remote }})
	call(t, h, "POST", "v=0", "Content-Type", "application/sdp")
	if fake.got == nil || fake.got.Credential != "secret" || fake.got.Token != "name" || fake.got.Remote != remote || fake.got.Local.IsValid() {
		t.Errorf("asked for %+v", fake.got)
	}
}
