package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/api"
	"weir/auth"
	"weir/internal/event"
	"weir/internal/webrtctest"
)

// served runs the face on a loopback port until the test ends, with all limits of the real server.
func served(t *testing.T, w *world, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if wrap != nil {
		listener = wrap(listener)
	}
	server := api.NewServer(w.face, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close() // what is left is cut off
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return address
}

// block is what stands between two empty lines of an event stream.
type block struct{ id, name, data, retry, comment string }

func (b block) number() int {
	_, n, _ := strings.Cut(b.id, "-")
	number, err := strconv.Atoi(n)
	if err != nil {
		return -1
	}
	return number
}

// follower reads an event stream.
type follower struct {
	response *http.Response
	lines    *bufio.Reader
}

// follow opens an event stream; query begins with "?".
func follow(t *testing.T, address, query string, fields ...string) *follower {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/api/v1/events"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r) //nolint:bodyclose // the follower's close does
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{response, bufio.NewReader(response.Body)}
	t.Cleanup(f.close)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", response.StatusCode, response.Header)
	}
	return f
}

func (f *follower) close() { _ = f.response.Body.Close() }

// next reads one block; io.EOF at the end.
func (f *follower) next() (b block, err error) {
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return b, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return b, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			b.id = value
		case "event":
			b.name = value
		case "data":
			b.data = value
		case "retry":
			b.retry = value
		case "":
			b.comment = ":" + value
		default:
			return b, fmt.Errorf("line %q", line)
		}
	}
}

// some reads n blocks.
func (f *follower) some(t *testing.T, n int) []block {
	t.Helper()
	var all []block
	for range n {
		b, err := f.next()
		if err != nil {
			t.Fatalf("after %+v: %v", all, err)
		}
		all = append(all, b)
	}
	return all
}

func names(blocks []block) string {
	var all []string
	for _, b := range blocks {
		all = append(all, b.name)
	}
	return strings.Join(all, " ")
}

func TestEventsAreFollowed(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	w.events.Add("before")
	f := follow(t, served(t, w, nil), "")
	begin := f.some(t, 1)[0]
	if begin.name != "" || begin.data != "" || begin.number() != 1 || begin.retry != "1000" {
		t.Errorf("it begins with %+v", begin)
	}
	w.begin(t, "lobby", "tone", false)
	if err := w.sources.Stop(t.Context(), "lobby"); err != nil {
		t.Fatal(err)
	}
	got := f.some(t, 4)
	for i, b := range got {
		var data struct{ At, Stream string }
		if err := json.Unmarshal([]byte(b.data), &data); err != nil || data.Stream != "lobby" || b.number() != i+2 {
			t.Errorf("%+v: %v", b, err)
		}
		if _, err := time.Parse(time.RFC3339, data.At); err != nil {
			t.Error(err)
		}
	}
	if want := "stream_live source_started stream_ended source_stopped"; names(got) != want {
		t.Errorf("%s, want %s", names(got), want)
	}
}

// A client that comes back misses nothing that is kept, and is told when something is gone.
func TestEventsAreReplayed(t *testing.T) {
	w := newWorld(t, worldOptions{change: func(o *api.Options) { o.Events = event.New(8) }})
	ring := w.ring
	address := served(t, w, nil)
	add := func(n int) {
		for range n {
			ring.Add("thing")
		}
	}
	f := follow(t, address, "")
	begin := f.some(t, 1)[0]
	add(3)
	last := f.some(t, 3)[2]
	f.close()

	add(4)
	back := follow(t, address, "", "Last-Event-ID", last.id).some(t, 5)
	if back[0].id != last.id || back[0].name != "" || back[1].number() != last.number()+1 || back[4].number() != last.number()+4 {
		t.Errorf("after %s: %+v", last.id, back)
	}
	// The position of a stream that had no event yet is one to come back to.
	if all := follow(t, address, "?since="+begin.id).some(t, 8); all[1].number() != 1 || all[7].number() != 7 {
		t.Errorf("after %s: %+v", begin.id, all)
	}
	// The field counts more than the query.
	if both := follow(t, address, "?since="+begin.id, "Last-Event-ID", back[3].id).some(t, 2); both[1].id != back[4].id {
		t.Errorf("after both: %+v", both)
	}
	if oldest := follow(t, address, "?since=0").some(t, 2); oldest[0].name != "" || oldest[1].number() != 1 {
		t.Errorf("the oldest: %+v", oldest)
	}
	add(5) // the first four are gone
	if oldest := follow(t, address, "", "Last-Event-ID", "0").some(t, 2); oldest[1].number() != 5 || oldest[0].name != "" {
		t.Errorf("the oldest: %+v", oldest)
	}
	for _, id := range []string{last.id, "ANOTHERRUN00-3", "nonsense", strings.Repeat("x", 5000), "-", `"\` + "\xff"} {
		got := follow(t, address, "", "Last-Event-ID", id).some(t, 10)
		var data struct{ Since string }
		if err := json.Unmarshal([]byte(got[0].data), &data); err != nil {
			t.Error(err)
		}
		if got[0].name != "missed" || got[0].id != "" || id != `"\`+"\xff" && !strings.HasPrefix(id, data.Since) || len(data.Since) > 128 || data.Since == "" {
			t.Errorf("after %.20q: it begins with %+v", id, got[0])
		}
		if got[2].number() != 5 || got[9].number() != 12 {
			t.Errorf("after %.20q: %+v", id, got)
		}
	}
	// The id that comes with missed is not asked for again.
	lost := follow(t, address, "", "Last-Event-ID", "nonsense").some(t, 2)
	if again := follow(t, address, "", "Last-Event-ID", lost[1].id).some(t, 2); again[0].name == "missed" || again[1].number() != 5 {
		t.Errorf("%+v then %+v", lost, again)
	}
	injected := follow(t, address, "?since=a%0Aevent:%20evil%0Adata:%20x").some(t, 1)[0]
	if injected.name != "missed" || !strings.Contains(injected.data, `a\nevent: evil`) {
		t.Errorf("%+v", injected)
	}
}

func TestTooManySubscribers(t *testing.T) {
	w := newWorld(t, worldOptions{change: func(o *api.Options) { o.MaxSubscribers = 2 }})
	address := served(t, w, nil)
	follow(t, address, "").some(t, 1)
	second := follow(t, address, "")
	second.some(t, 1)
	a := w.administer(t, "GET", "/api/v1/events", "")
	if a.StatusCode != http.StatusServiceUnavailable || a.problem(t).Code != "too_many_subscribers" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.Body)
	}
	if head := w.administer(t, "HEAD", "/api/v1/events", ""); head.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("HEAD: %d", head.StatusCode)
	}
	second.close()
	webrtctest.Until(t, time.Minute, func() string { // HEAD has no end to wait for
		if w.administer(t, "HEAD", "/api/v1/events", "").StatusCode != http.StatusOK {
			return "a place for another"
		}
		return ""
	})
}

func TestEventsHaveNoBody(t *testing.T) {
	w := newWorld(t, worldOptions{})
	if a := w.administer(t, "GET", "/api/v1/events", "{}"); a.StatusCode != http.StatusBadRequest || a.problem(t).Code != "body_unexpected" {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
}

func TestEventsEndWithTheServer(t *testing.T) {
	ending := make(chan struct{})
	w := newWorld(t, worldOptions{change: func(o *api.Options) { o.Ending = ending }})
	f := follow(t, served(t, w, nil), "")
	f.some(t, 1)
	close(ending)
	if b, err := f.next(); !errors.Is(err, io.EOF) {
		t.Errorf("%+v %v, want a clean end", b, err)
	}
}

// HTTP/1.0 knows no chunks: the stream ends with the connection.
func TestEventsByHTTP10(t *testing.T) {
	w := newWorld(t, worldOptions{})
	var dialer net.Dialer
	c, err := dialer.DialContext(t.Context(), "tcp", served(t, w, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "GET /api/v1/events HTTP/1.0\r\nAuthorization: Bearer "+adminToken+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(c)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if len(response.TransferEncoding) > 0 {
		t.Errorf("%v", response.TransferEncoding)
	}
	f := &follower{response, bufio.NewReader(response.Body)}
	f.some(t, 1)
	w.ring.Add("thing")
	if b := f.some(t, 1)[0]; b.name != "thing" {
		t.Errorf("%+v", b)
	}
}

// revocable lets who has the token in until it is revoked.
type revocable struct{ revoked atomic.Bool }

func (a *revocable) Authorize(context.Context, auth.Request) (auth.Identity, error) {
	if a.revoked.Load() {
		return auth.Identity{}, auth.ErrUnknownToken
	}
	return auth.Identity{Name: "chief"}, nil
}

func (*revocable) Standing(auth.Identity, auth.Request) func() error {
	return func() error { return nil }
}

func (*revocable) Changed() <-chan struct{} { return nil }

// With the time of its own: a comment each 15 s, and the end of who takes nothing for 10 s or has lost the right.
func TestEventsInTime(t *testing.T) {
	access := &revocable{}
	w := newWorld(t, worldOptions{change: func(o *api.Options) { o.Access = access }})
	serve(t, w.face, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		const request = "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n"
		c := dial()
		send(t, c, request)
		response, err := http.ReadResponse(bufio.NewReader(c), nil) //nolint:bodyclose // it ends with the pipe
		if err != nil {
			t.Fatal(err)
		}
		f := &follower{response, bufio.NewReader(response.Body)}
		f.some(t, 1)
		for range 3 {
			begin := time.Now()
			b := f.some(t, 1)[0]
			if took := time.Since(begin); b != (block{comment: ":"}) || took != 15*time.Second {
				t.Errorf("%+v after %v, want a comment after 15s", b, took)
			}
		}
		begin := time.Now()
		access.revoked.Store(true)
		if b, err := f.next(); !errors.Is(err, io.EOF) || time.Since(begin) != 15*time.Second {
			t.Errorf("%+v %v after %v, want the end after 15s", b, err, time.Since(begin))
		}
		access.revoked.Store(false)

		stalled := dial()
		send(t, stalled, request) // and never reads
		time.Sleep(9999 * time.Millisecond)
		if strings.Contains(w.log.String(), "subscriber_stalled") {
			t.Error("cut off too soon")
		}
		time.Sleep(2 * time.Millisecond)
		if !strings.Contains(w.log.String(), "subscriber_stalled") {
			t.Errorf("not cut off after 10s")
		}
	})
}

func TestSlowSubscriberIsToldWhatItMissed(t *testing.T) {
	w := newWorld(t, worldOptions{change: func(o *api.Options) { o.Events = event.New(4) }})
	serve(t, w.face, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		c := dial()
		send(t, c, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+adminToken+"\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil) //nolint:bodyclose // it ends with the pipe
		if err != nil {
			t.Fatal(err)
		}
		f := &follower{response, bufio.NewReaderSize(response.Body, 16)}
		f.some(t, 1)
		w.ring.Add("first", slog.String("reason", strings.Repeat("x", 3000))) // is being written while others come
		time.Sleep(time.Second)
		for range 10 {
			w.ring.Add("thing")
		}
		if got := f.some(t, 6); names(got) != "first missed thing thing thing thing" || got[5].number() != 11 {
			t.Errorf("%+v", got)
		}
	})
}
