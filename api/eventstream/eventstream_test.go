package eventstream_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/api/eventstream"
	"weir/internal/event"
	"weir/internal/webrtctest"
	"weir/internal/wish"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slowListener makes the first connection's buffers small, so that a client that does not read is noticed soon.
type slowListener struct {
	net.Listener
	first atomic.Bool
}

func (l *slowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil && l.first.CompareAndSwap(false, true) {
		if tcp, ok := c.(*net.TCPConn); ok {
			err = tcp.SetWriteBuffer(4096)
		}
	}
	return c, err
}

// A thousand clients and one that stalls: nobody waits, memory is bounded, and the one is cut off.
func TestThousandSubscribers(t *testing.T) {
	const (
		things    = 200
		perClient = 128 << 10 // bytes, both ends together
	)
	subscribers := 1000
	if testing.Short() {
		subscribers = 100
	}
	ring := event.New(0)
	streams := eventstream.New(eventstream.Options{
		Ring: ring, Most: subscribers + 1, WriteTimeout: 3 * time.Second, Allowed: func(*http.Request) bool { return true },
	})
	var stalls atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := streams.Serve(w, r)
		if refusal, ok := errors.AsType[*wish.Refusal](err); ok && refusal.Code == "subscriber_stalled" {
			stalls.Add(1)
		} else if err != nil {
			t.Error(err)
		}
	}))
	server.Listener = &slowListener{Listener: server.Listener}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	address := server.Listener.Addr().String()
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	var dialer net.Dialer
	open := func() (net.Conn, *bufio.Reader) {
		c, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReaderSize(c, 512)
		for { // until its position is told: from there on it misses nothing
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "id:") {
				return c, lines
			}
		}
	}
	before := memory()
	stalled, stalledLines := open()
	if tcp, ok := stalled.(*net.TCPConn); !ok || tcp.SetReadBuffer(4096) != nil {
		t.Fatal("the buffer cannot be made small")
	}
	var clients sync.WaitGroup
	got := make([]int, subscribers)
	for i := range subscribers {
		_, lines := open()
		clients.Go(func() {
			for got[i] < things {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				if strings.HasPrefix(line, "id:") {
					got[i]++
				}
			}
		})
	}
	text := strings.Repeat("x", 500)
	begin := time.Now()
	for range things {
		ring.Add("thing", slog.String("reason", text))
	}
	webrtctest.InTime(t, "the events, if nobody is waited for", time.Since(begin), time.Second)
	grown := memory() - before
	clients.Wait()
	t.Logf("all have all after %v; %d KiB", time.Since(begin), grown>>10)
	for i, n := range got {
		if n != things {
			t.Errorf("client %d has %d events", i, n)
		}
	}
	const reading = 24 << 20 // bytes that a collection leaves behind, since clients read meanwhile
	if limit := int64(subscribers*perClient + things*4096 + reading); grown > limit {
		t.Errorf("%d bytes more, want at most %d", grown, limit)
	}
	webrtctest.Until(t, time.Minute, func() string {
		if stalls.Load() == 0 {
			return "the end of the one that stalls"
		}
		return ""
	})
	if _, err := io.Copy(io.Discard, stalledLines); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the one that stalls: %v", err)
	}
	if n := stalls.Load(); n != 1 {
		t.Errorf("%d were cut off", n)
	}
}

// memory is what heap and stacks take.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
