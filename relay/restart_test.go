package relay_test

import (
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/session"
)

// A detour is a way of media that can be cut: it hands packets to and fro between
// one client and a server.
type detour struct {
	port int
	cut  func()
}

// newDetour opens a way to a UDP port of this machine.
func newDetour(t *testing.T, to int) *detour {
	t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	back, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var client *net.UDPAddr
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2000)
		for {
			n, from, err := front.ReadFromUDP(b)
			if err != nil {
				return
			}
			mu.Lock()
			client = from
			mu.Unlock()
			_, _ = back.Write(b[:n])
		}
	})
	wg.Go(func() {
		b := make([]byte, 2000)
		for {
			n, err := back.Read(b)
			if err != nil {
				return
			}
			mu.Lock()
			to := client
			mu.Unlock()
			_, _ = front.WriteToUDP(b[:n], to)
		}
	})
	d := &detour{port: front.LocalAddr().(*net.UDPAddr).Port} //nolint:errcheck // it is UDP
	d.cut = sync.OnceFunc(func() { _, _ = front.Close(), back.Close(); wg.Wait() })
	t.Cleanup(d.cut)
	return d
}

// detours makes media of a node go by detours: the client's candidates are taken
// out of what it says, and the node's replaced in what it answers, by the newest
// of the detours.
type detours struct {
	mu  sync.Mutex
	all []*detour
}

var candidate = regexp.MustCompile(`a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host\r\n`)

func (d *detours) wrap(t *testing.T) func(http.Handler) http.Handler {
	t.Helper()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(candidate.ReplaceAll(body, nil)))
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			text := answer.Body.String()
			if found := candidate.FindStringSubmatch(text); found != nil {
				port, _ := strconv.Atoi(found[1])
				way := newDetour(t, port)
				d.mu.Lock()
				d.all = append(d.all, way)
				d.mu.Unlock()
				text = candidate.ReplaceAllString(text, "")
				text = strings.Replace(text, "a=end-of-candidates\r\n",
					"a=candidate:1 1 udp 2130706431 127.0.0.1 "+strconv.Itoa(way.port)+" typ host\r\na=end-of-candidates\r\n", 1)
			}
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = io.WriteString(w, text)
		})
	}
}

// The way of media breaks, and the server is there: ICE is restarted by PATCH, in
// the same session.
func TestWayBreaks(t *testing.T) {
	t.Parallel()
	var ways detours
	origin := newNode(t, nodeOptions{handler: ways.wrap(t)})
	edge := newNode(t, nodeOptions{session: session.Options{Consent: 6 * time.Second}})
	origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "")
	player := edge.play(t, "copy")
	comes(t, player, 50)
	ways.mu.Lock()
	first := ways.all[0]
	ways.mu.Unlock()
	first.cut()
	webrtctest.Until(t, soon, func() string {
		if !strings.Contains(edge.logs.String(), "ice restarted") {
			return "an ICE restart"
		}
		return ""
	})
	comes(t, player, 50)
	if got := origin.requests("POST"); len(got) != 1 {
		t.Errorf("the session was made anew: %q", got)
	}
}
