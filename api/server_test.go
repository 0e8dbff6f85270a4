package api_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/api"
	"weir/internal/wish"
)

// pipeListener accepts one end of each in-memory connection: with them the server's clock is the bubble's.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial() net.Conn {
	here, there := net.Pipe()
	l.conns <- there
	return here
}

// serve runs f with a server for h inside a bubble with its own time.
func serve(t *testing.T, h http.Handler, f func(t *testing.T, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := api.NewServer(h, slog.New(slog.DiscardHandler))
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = server.Serve(l)
		}()
		f(t, l.dial)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
		time.Sleep(time.Second) // a refused connection lingers for half a second
	})
}

// receive reads one response to its end.
func receive(t *testing.T, c *bufio.Reader) answer {
	t.Helper()
	res, err := http.ReadResponse(c, nil)
	if err != nil {
		t.Fatalf("read response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatalf("read body: %v", err)
	}
	return answer{StatusCode: res.StatusCode, Header: res.Header, Body: string(body)}
}

func send(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatalf("send: %v", err)
	}
}

func TestHeaderDeadline(t *testing.T) {
	h, _ := newFace(t, nil)
	serve(t, h, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		begin, c := time.Now(), dial()
		send(t, c, "GET /healthz HTTP/1.1\r\nHost: x\r\n")
		_, _ = io.ReadAll(c)
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("closed after %v, want 5s", took)
		}
	})
}

func TestBodyDeadline(t *testing.T) {
	h, _ := newFace(t, func(o *api.Options) {
		o.WHEP = resource(func(w http.ResponseWriter, r *http.Request) error {
			_, err := wish.ReadOffer(w, r, 1024)
			return err
		})
	})
	serve(t, h, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		begin, c := time.Now(), dial()
		send(t, c, "POST /whep/test HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 100\r\n\r\nv=0")
		res := receive(t, bufio.NewReader(c))
		if took := time.Since(begin); res.StatusCode != http.StatusRequestTimeout || took != 10*time.Second {
			t.Errorf("%d after %v, want 408 after 10s", res.StatusCode, took)
		}
	})
}

// The deadline is the body's alone: work that takes longer must not be taken for a client that has gone, and the next
// request on the connection begins anew.
func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	h, _ := newFace(t, func(o *api.Options) {
		o.WHEP = resource(func(w http.ResponseWriter, r *http.Request) error {
			if _, err := io.ReadAll(r.Body); err != nil {
				return fmt.Errorf("read body: %w", err)
			}
			select {
			case <-time.After(time.Minute):
				_, err := io.WriteString(w, "done")
				return err
			case <-r.Context().Done():
				return r.Context().Err()
			}
		})
	})
	serve(t, h, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		c := dial()
		reader := bufio.NewReader(c)
		for range 2 {
			send(t, c, "POST /whep/test HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nv=0")
			res := receive(t, reader)
			if got := res.Body; got != "done" {
				t.Errorf("%d %q, want it done", res.StatusCode, got)
			}
		}
	})
}

func TestHeaderSize(t *testing.T) {
	h, _ := newFace(t, nil)
	for size, want := range map[int]int{15 << 10: 200, 24 << 10: 431} {
		serve(t, h, func(t *testing.T, dial func() net.Conn) {
			t.Helper()
			c := dial()
			go func() { // the server stops reading where it has enough
				_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", size)+"\r\n\r\n")
			}()
			res := receive(t, bufio.NewReader(c))
			if res.StatusCode != want {
				t.Errorf("%d bytes of headers: %d, want %d", size, res.StatusCode, want)
			}
		})
	}
}
