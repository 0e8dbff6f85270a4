package relay_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/turn/v5"

	"weir/internal/webrtctest"
	"weir/internal/wish"
	"weir/publisher"
	"weir/relay"
)

// slowness is that of a STUN server: what it says comes after the offer.
const slowness = 400 * time.Millisecond

// A reflector answers as a STUN server does (RFC 8489 14.2), and counts.
type reflector struct {
	port  int
	asked atomic.Int64
}

func newReflector(t *testing.T) *reflector {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &reflector{port: conn.LocalAddr().(*net.UDPAddr).Port} //nolint:errcheck // it is UDP
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2000)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			r.asked.Add(1)
			if n < 20 {
				continue
			}
			time.Sleep(slowness)
			const cookie = 0x2112a442
			answer := append([]byte{1, 1, 0, 12}, b[4:20]...)
			answer = append(answer, 0, 0x20, 0, 8, 0, 1)
			answer = binary.BigEndian.AppendUint16(answer, from.Port()^cookie>>16)
			answer = binary.BigEndian.AppendUint32(answer, binary.BigEndian.Uint32(from.Addr().Unmap().AsSlice())^cookie)
			_, _ = conn.WriteToUDPAddrPort(answer, from)
		}
	})
	t.Cleanup(func() { _ = conn.Close(); wg.Wait() })
	return r
}

// A wall makes a node one that is reached by what ICE servers say alone: nobody is
// told the candidates of the other's own addresses. It names such servers, and
// keeps what clients send.
type wall struct {
	link   string
	refuse int  // status of PATCHes; 0: they are taken
	open   bool // later answers than the first tell the node's candidates

	mu      sync.Mutex
	offers  []string
	patches []string
	matches []string // If-Match of PATCHes
	etags   []string // of answers
}

func (w *wall) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		switch r.Method {
		case http.MethodPost:
			w.offers = append(w.offers, string(body))
		case http.MethodPatch:
			w.patches, w.matches = append(w.patches, string(body)), append(w.matches, r.Header.Get("If-Match"))
		}
		w.mu.Unlock()
		if r.Method == http.MethodPatch && w.refuse != 0 {
			out.WriteHeader(w.refuse)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(candidate.ReplaceAll(body, nil)))
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		maps.Copy(out.Header(), answer.Header())
		if r.Method == http.MethodPost {
			out.Header().Add("Link", w.link)
			w.mu.Lock()
			w.etags = append(w.etags, answer.Header().Get("ETag"))
			w.mu.Unlock()
		}
		out.WriteHeader(answer.Code)
		text := answer.Body.Bytes()
		w.mu.Lock()
		if !w.open || len(w.offers) == 1 {
			text = candidate.ReplaceAll(text, nil)
		}
		w.mu.Unlock()
		_, _ = out.Write(text)
	})
}

func hurried(o *relay.Options) { *o = o.WithAid(300 * time.Millisecond) }

// pulled returns a node that plays a stream of a node behind the wall.
func (w *wall) pulled(t *testing.T) *node {
	t.Helper()
	origin := newNode(t, nodeOptions{handler: w.wrap})
	edge := newNode(t, nodeOptions{change: hurried})
	origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "")
	comes(t, edge.play(t, "copy"), 20)
	return edge
}

// Where the own addresses do not connect, the ICE servers that the answer names
// are asked, and what they say follows the offer by PATCH.
func TestTrickle(t *testing.T) {
	t.Parallel()
	stun := newReflector(t)
	w := &wall{link: `<stun:127.0.0.1:` + strconv.Itoa(stun.port) + `>; rel="ice-server"`}
	w.pulled(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	if stun.asked.Load() == 0 || len(w.offers) != 2 || len(w.patches) == 0 {
		t.Fatalf("%d questions, %d offers, %d fragments", stun.asked.Load(), len(w.offers), len(w.patches))
	}
	if !strings.Contains(w.offers[0], "a=end-of-candidates") {
		t.Error("the first offer does not say that it has all candidates")
	}
	all, _, ended := strings.Cut(strings.Join(w.patches, ""), "a=end-of-candidates") // after which the server may be asked what it knows
	if !strings.Contains(all, "127.0.0.1 ") || !strings.Contains(all, " typ srflx raddr 0.0.0.0 rport 9\r\n") || !ended || strings.Contains(all, "typ host") {
		t.Errorf("the fragments are\n%s", all)
	}
	for _, match := range w.matches {
		if match == "" || match != w.etags[1] {
			t.Errorf("If-Match: %q, the session's are %q", match, w.etags)
		}
	}
}

// A TURN server that the answer names lends its addresses, for the name and the
// password that come with it.
func TestTURN(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: "weir",
		AuthHandler: func(ra *turn.RequestAttributes) (string, []byte, bool) {
			return ra.Username, turn.GenerateAuthKey("me", "weir", "pass"), ra.Username == "me"
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: conn, RelayAddressGenerator: &turn.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	w := &wall{link: "<turn:" + conn.LocalAddr().String() + `?transport=udp>; rel="ice-server"; username="me"; credential="pass"`, open: true}
	edge := w.pulled(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	if all := strings.Join(append(w.offers, w.patches...), ""); !strings.Contains(all, " typ relay raddr 0.0.0.0 rport 9\r\n") {
		t.Errorf("no candidate is the TURN server's:\n%s", all)
	}
	if strings.Contains(edge.logs.String(), "pass") {
		t.Error("the password is in the log")
	}
}

// A server that takes no PATCH gets an offer with all candidates the next time.
func TestNoTrickle(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusPreconditionFailed} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			stun := newReflector(t)
			w := &wall{link: `<stun:127.0.0.1:` + strconv.Itoa(stun.port) + `>; rel="ice-server"`, refuse: status}
			target := newNode(t, nodeOptions{handler: w.wrap})
			source := newNode(t, nodeOptions{change: hurried})
			source.feed(t, "live")
			if _, err := source.relay.Push("live", relay.PushStart{URL: target.whip("copy")}); err != nil {
				t.Fatal(err)
			}
			webrtctest.Until(t, soon, func() string {
				if st := source.relay.Pushes("live")[0]; st.State != publisher.StateLive {
					return "a push that is live, and not " + string(st.State) + ": " + st.Reason
				}
				return ""
			})
			w.mu.Lock()
			defer w.mu.Unlock()
			if n := source.relay.TrickleRefused(); n != 1 || len(w.offers) != 3 || len(w.patches) != 1 {
				t.Errorf("%d sessions without, %d offers, %d fragments", n, len(w.offers), len(w.patches))
			}
			if last := w.offers[len(w.offers)-1]; !strings.Contains(last, "typ srflx") || !strings.Contains(last, "a=end-of-candidates") {
				t.Errorf("the last offer does not have all candidates:\n%s", last)
			}
		})
	}
}

// A server that is named is asked only if relay.hosts lists it with its port, and
// the address that its name stands for as any other.
func TestICEServersThatMayBeAsked(t *testing.T) {
	t.Parallel()
	n := newNode(t, nodeOptions{
		hosts:  []string{"rebound.example.org:*", "public.example.org", "127.0.0.1:3478", "93.184.216.34:*"},
		change: func(o *relay.Options) { *o = o.WithResolver(names(t, "127.0.0.1")) },
	})
	lent := func(url string) wish.ICEServer { return wish.ICEServer{URL: url, Username: "u", Credential: "p"} }
	for _, c := range []struct {
		named, want []wish.ICEServer
	}{
		{[]wish.ICEServer{{URL: "stun:127.0.0.1"}, lent("turn:127.0.0.1:3478?transport=udp")}, []wish.ICEServer{{URL: "stun:127.0.0.1:3478"}, lent("turn:127.0.0.1:3478")}},
		{[]wish.ICEServer{{URL: "stun:127.0.0.1:3479"}}, nil},
		{[]wish.ICEServer{{URL: "stun:rebound.example.org"}}, []wish.ICEServer{{URL: "stun:127.0.0.1:3478"}}}, // which is listed
		{[]wish.ICEServer{{URL: "stun:rebound.example.org:80"}}, nil},
		{[]wish.ICEServer{{URL: "stun:public.example.org"}}, nil}, // without a port: 80 and 443
		{[]wish.ICEServer{{URL: "stun:169.254.169.254:80"}, {URL: "stun:[::1]"}, {URL: "stun:other.example.org"}}, nil},
		{[]wish.ICEServer{{URL: "stuns:127.0.0.1:3478"}, lent("turns:127.0.0.1:3478"), lent("turn:127.0.0.1:3478?transport=tcp")}, nil},
		{slices.Repeat([]wish.ICEServer{{URL: "stun:93.184.216.34:1"}}, 9), slices.Repeat([]wish.ICEServer{{URL: "stun:93.184.216.34:1"}}, 4)},
	} {
		if diff := cmp.Diff(c.want, n.relay.ICEServers(t.Context(), c.named)); diff != "" {
			t.Errorf("%v: %s", c.named, diff)
		}
	}
}
