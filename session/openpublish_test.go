package session_test

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"

	"weir/internal/wish"
	"weir/session"
)

// Where publishing is open the address says who publishes: the same one takes
// the stream over, another one is refused, as is a token's name.
func TestOpenPublishing(t *testing.T) {
	t.Parallel()
	g := newGateway(t, session.Options{})
	offer := recorded(t, "publish/")["node-datachannel-0.33.4"]
	from := func(remote, token string) (*session.Session, error) {
		s, _, err := g.Ingest(t.Context(), session.Request{
			Stream: "lobby", Offer: offer, Token: token,
			Remote: netip.MustParseAddrPort(remote), Local: netip.MustParseAddrPort("127.0.0.1:8080"),
		})
		return s, err
	}
	first, err := from("127.0.0.1:40000", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range [][2]string{{"127.0.0.2:40000", ""}, {"127.0.0.1:40000", "studio"}} {
		_, err = from(other[0], other[1])
		if refusal, ok := errors.AsType[*wish.Refusal](err); !ok || refusal.Status != http.StatusConflict || refusal.Code != "stream_published" {
			t.Errorf("%q is told %v", other, err)
		}
	}
	second, err := from("127.0.0.1:40001", "")
	if err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	if reason := first.Reason(); reason != session.ReasonTaken {
		t.Errorf("the first ended with %q", reason)
	}
	second.Close("test")
}
