package whep_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/webrtctest"
	"weir/internal/wish"
	"weir/internal/wishtest"
	"weir/session"
	"weir/stream"
	"weir/whep"
)

// A plain server is the endpoint and the session resource without api.
type plain struct {
	*session.Manager

	url    string
	client *webrtctest.Client
}

func newPlain(t *testing.T, o whep.Options) *plain {
	t.Helper()
	registry := stream.New(stream.Options{NewFlusher: session.NewFlusher})
	manager, err := session.New(session.Options{Registry: registry, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, registry.Run)
	publish(t, registry)
	run(t, manager.Run)
	o.Sessions = manager
	mux := http.NewServeMux()
	mux.Handle("/whep/{stream}", whep.New(o))
	mux.Handle("/session/{secret}", wish.NewResource(manager, wish.ResourceOptions{}))
	web := httptest.NewServer(mux)
	client := webrtctest.NewClient()
	t.Cleanup(func() { client.Close(); web.Close() })
	return &plain{Manager: manager, url: web.URL, client: client}
}

func (s *plain) offer(t *testing.T, name, offer string) *webrtctest.Reply {
	t.Helper()
	reply, err := s.client.Do(t.Context(), "POST", s.url+"/whep/"+name, offer, "Content-Type", sdpType)
	if err != nil {
		t.Fatal(err)
	}
	reply.Header.Del("Date")
	return reply
}

// same fails unless the replies are the same to the byte.
func same(t *testing.T, got, want *webrtctest.Reply) {
	t.Helper()
	if got.Status != 409 || got.Status != want.Status || got.Body != want.Body || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %q, want 409, %d %q", got.Status, got.Body, want.Status, want.Body)
	}
	if diff := cmp.Diff(want.Header, got.Header); diff != "" {
		t.Errorf("header fields: %s", diff)
	}
}

func offer(t *testing.T) string {
	t.Helper()
	text, err := webrtctest.MakeOffer(t.Context(), webrtctest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A stream that the caller may not know of is as one that nobody publishes,
// whatever is offered.
func TestHiddenIsLikeUnknown(t *testing.T) {
	t.Parallel()
	s := newPlain(t, whep.Options{Hidden: func(r *http.Request) bool { return r.PathValue("stream") == "test" }})
	for _, text := range []string{offer(t), "v=0\r\n", "nonsense"} {
		same(t, s.offer(t, "test", text), s.offer(t, "nobody", text))
	}
	if n := len(s.Sessions()); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// A stream may become private while the answer is being made.
func TestBecomesPrivateMeanwhile(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := newPlain(t, whep.Options{Hidden: func(r *http.Request) bool {
		return r.PathValue("stream") == "test" && asked.Add(1) > 1
	}})
	text := offer(t)
	got := s.offer(t, "test", text)
	if asked.Load() < 2 {
		t.Fatalf("asked %d times", asked.Load())
	}
	same(t, got, s.offer(t, "nobody", text))
	if n := len(s.Sessions()); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// What a session tells of itself after real media, a loss that was made good and
// a key frame that was asked for.
func TestStatsAfterMedia(t *testing.T) {
	t.Parallel()
	s := newPlain(t, whep.Options{Caller: func(*http.Request) (string, string, netip.AddrPort) {
		return "the secret", "living room", netip.MustParseAddrPort("127.0.0.1:7")
	}})
	ctx, cancel := context.WithTimeout(t.Context(), wishtest.Soon)
	defer cancel()
	p, err := webrtctest.Play(ctx, s.url+"/whep/test", webrtctest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := p.WaitMedia(ctx, 20); err != nil {
		t.Fatal(err)
	}
	all := s.Sessions()
	if len(all) != 1 {
		t.Fatalf("%d sessions", len(all))
	}
	found, ok := s.Lookup(all[0].ID())
	if _, other := s.Lookup("nobody"); !ok || found != all[0] || other {
		t.Error("Lookup does not find it by its ID")
	}
	p.Lose(10)
	p.FloodPLI(true)
	webrtctest.Until(t, wishtest.Soon, func() string {
		for _, m := range found.Stats().Media {
			if m.Kind == "video" && (m.NACKs == 0 || m.KeyFrames == 0 || m.Sent.Resent == 0 || m.Sent.KeyFramesAsked == 0) {
				return "feedback on video"
			}
		}
		return ""
	})
	p.FloodPLI(false)
	if _, err := p.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	<-found.Done()
	st := found.Stats()
	if st.Token != "living room" || st.Protocol != "whep" || found.Protocol() != "whep" || st.Stream != "test" || len(st.Media) != 2 {
		t.Errorf("stats %+v", st)
	}
	var packets, bytes uint64
	for _, m := range st.Media {
		drops := uint64(0)
		for _, n := range m.Sent.Drops {
			drops += n
		}
		if m.Sent.Delivered == 0 || m.Sent.Offered != m.Sent.Delivered+drops || m.SSRC == 0 || m.PayloadType == 0 || m.Junk != 0 {
			t.Errorf("%s: %+v", m.Kind, m)
		}
		packets += m.Sent.Delivered + m.Sent.Resent
		bytes += m.Sent.Bytes
	}
	if packets != st.Packets || bytes > st.Bytes {
		t.Errorf("sections have %d packets and %d bytes, the session %d and %d", packets, bytes, st.Packets, st.Bytes)
	}
	video := st.Media[0]
	if video.Codec != "H264" || video.Profile != "constrained-baseline" || video.Fmtp == "" || st.Media[1].Codec != "opus" || st.Media[1].Profile != "" {
		t.Errorf("media %+v", st.Media)
	}
}
