package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/internal/codec"
	"weir/internal/webrtctest"
	"weir/internal/wish"
	"weir/publisher"
	"weir/relay"
	"weir/session"
	"weir/stream"
	"weir/whep"
	"weir/whip"
)

// Nearly all that the tests do is to wait: more of them run at once than there are
// processors, unless somebody says how many.
func TestMain(m *testing.M) {
	flag.Parse()
	if atOnce := flag.Lookup("test.parallel"); atOnce.Value.String() == atOnce.DefValue {
		if err := atOnce.Value.Set("4"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// soon is how long a test waits for what must happen by itself.
const soon = time.Minute

// A node is a server in this process: what cmd wires, as far as relaying goes.
type node struct {
	registry *stream.Registry
	sessions *session.Manager
	sources  *publisher.Supervisor
	relay    *relay.Relay
	hops     *relay.Hops
	logs     *logs
	address  string // of HTTP
	stop     func() // at once, as when it is killed, but for the farewell of media; idempotent

	mu    sync.Mutex
	asked []string // method and path of each request, and who asked
}

type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// nodeOptions say how a node is; the zero value is on a free port and may relay
// with all of loopback.
type nodeOptions struct {
	address string   // to listen on; "" for any
	hosts   []string // nil: 127.0.0.1, all ports
	change  func(*relay.Options)
	token   string // that its endpoints want
	session session.Options
	handler func(http.Handler) http.Handler
}

func (o nodeOptions) allowed(t *testing.T) []relay.Host {
	t.Helper()
	if o.hosts == nil {
		o.hosts = []string{"127.0.0.1:*"}
	}
	var all []relay.Host
	for _, text := range o.hosts {
		h, err := relay.ParseHost(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

func newNode(t *testing.T, o nodeOptions) *node {
	t.Helper()
	n := &node{logs: &logs{}, hops: relay.NewHops()}
	logger := slog.New(slog.NewTextHandler(n.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	n.registry = stream.New(stream.Options{Logger: logger, NewFlusher: session.NewFlusher})
	o.session.Registry, o.session.Logger = n.registry, logger
	var err error
	if n.sessions, err = session.New(o.session); err != nil {
		t.Fatal(err)
	}
	options := relay.Options{Sessions: n.sessions, Registry: n.registry, Hops: n.hops, Hosts: o.allowed(t), Logger: logger}
	if o.change != nil {
		o.change(&options)
	}
	if n.relay, err = relay.New(options); err != nil {
		t.Fatal(err)
	}
	if n.sources, err = publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: n.registry, Kinds: []publisher.Kind{n.relay.Kind()}, Logger: logger,
	}); err != nil {
		t.Fatal(err)
	}
	n.run(t, o)
	return n
}

// run serves until the test ends or stop is called.
func (n *node) run(t *testing.T, o nodeOptions) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	begin := func(run func(context.Context) error) {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	begin(n.registry.Run)
	begin(n.sources.Run)
	begin(n.sessions.Run)
	begin(n.relay.Run)
	if o.address == "" {
		o.address = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.address)
	if err != nil {
		t.Fatal(err)
	}
	n.address = listener.Addr().String()
	<-n.sessions.Ready()
	handler := n.handler(o.token)
	if o.handler != nil {
		handler = o.handler(handler)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: soon}
	running.Go(func() { _ = server.Serve(listener) })
	n.stop = sync.OnceFunc(func() {
		_ = server.Close()
		cancel()
		running.Wait()
	})
	t.Cleanup(n.stop)
}

// handler has both endpoints, with the guard in front as api has it.
func (n *node) handler(token string) http.Handler {
	mux := http.NewServeMux()
	play := whep.New(whep.Options{Sessions: n.sessions})
	publish := whip.New(whip.Options{Sessions: n.sessions})
	guard := func(next func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n.mu.Lock()
			n.asked = append(n.asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
			n.mu.Unlock()
			if token != "" && r.Method == http.MethodPost && r.Header.Get("Authorization") != "Bearer "+token {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if err := next(w, r); err != nil {
				wish.WriteError(w, r, err)
			}
		}
	}
	mux.HandleFunc("/whep/{stream}", guard(func(w http.ResponseWriter, r *http.Request) error {
		if err := n.hops.Play(w, r, r.PathValue("stream")); err != nil {
			return err
		}
		return play.Serve(w, r)
	}))
	mux.HandleFunc("/whip/{stream}", guard(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost {
			if err := n.hops.Publish(r); err != nil {
				return err
			}
		}
		err := publish.Serve(w, r)
		if err == nil && r.Method == http.MethodPost {
			if st, ok := n.registry.Find(r.PathValue("stream")); ok {
				n.hops.Published(r, st.Publication())
			}
		}
		return err
	}))
	mux.HandleFunc("/session/{secret}", guard(wish.NewResource(n.sessions, wish.ResourceOptions{}).Serve))
	return mux
}

func (n *node) requests(prefix string) (found []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.asked {
		if strings.HasPrefix(r, prefix) {
			found = append(found, r)
		}
	}
	return found
}

func (n *node) whep(stream string) string { return "http://" + n.address + "/whep/" + stream }
func (n *node) whip(stream string) string { return "http://" + n.address + "/whip/" + stream }

// feed publishes a stream of key frames and sound until the test ends or the
// function that is returned is called.
func (n *node) feed(t *testing.T, name string) (end func()) {
	t.Helper()
	p, err := n.registry.Publish(name, "test", []stream.Spec{
		{Format: codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}},
		{Format: codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		video, audio := rtp.Header{Version: 2, SequenceNumber: uint16(time.Now().UnixNano())}, rtp.Header{Version: 2}
		write := func(track *stream.Track, h *rtp.Header, marker bool, payload []byte) {
			h.SequenceNumber++
			h.Marker = marker
			track.WriteRTP(p, &rtp.Packet{Header: *h, Payload: payload})
		}
		for i := byte(0); ; i++ {
			select {
			case <-ctx.Done():
				p.Close("end of test")
				return
			case <-tick.C:
			}
			video.Timestamp += 1800
			audio.Timestamp += 960
			tracks := p.Tracks()
			write(tracks[0], &video, false, []byte{0x67, 0x42, 0xe0, 0x1f, i})
			write(tracks[0], &video, false, []byte{0x68, 0xce, 0x38, 0x80})
			write(tracks[0], &video, true, append([]byte{0x65, 0x88, i}, make([]byte, 200)...))
			write(tracks[1], &audio, true, []byte{0xfc, i})
		}
	})
	end = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(end)
	return end
}

// pull starts a source that plays from a URL.
func (n *node) pull(t *testing.T, name, url, token string) {
	t.Helper()
	params, err := json.Marshal(map[string]string{"url": url, "token": token})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.sources.Start(name, publisher.Start{Source: relay.KindName, Params: params}); err != nil {
		t.Fatalf("start: %v", err)
	}
}

// play makes a player of a stream.
func (n *node) play(t *testing.T, name string) *webrtctest.Player {
	t.Helper()
	player, err := webrtctest.Play(t.Context(), n.whep(name), webrtctest.Options{})
	if err != nil {
		t.Fatalf("play: %v", err)
	}
	t.Cleanup(func() { _ = player.Close() })
	return player
}

// comes waits until so many more packets of each kind have come, and says how
// long that took.
func comes(t *testing.T, player *webrtctest.Player, packets int) time.Duration {
	t.Helper()
	began, audio, video := time.Now(), player.Audio(), player.Video()
	webrtctest.Until(t, soon, func() string { return player.Lacks(packets, audio, video) })
	return time.Since(began)
}

// reason waits until a source of the node's says why it does not play.
func (n *node) reason(t *testing.T, name string, wants ...string) string {
	t.Helper()
	var got string
	webrtctest.Until(t, soon, func() string {
		got = n.logs.String()
		if st, ok := n.sources.Status(name); ok {
			got += st.Reason
		}
		for _, want := range wants {
			if !strings.Contains(got, want) {
				return fmt.Sprintf("%q", want)
			}
		}
		return ""
	})
	return got
}
