package peer_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pion/transport/v4/packetio"

	"weir/session/negotiate"
	"weir/session/peer"
)

func openFactory(t *testing.T) *peer.Factory {
	t.Helper()
	f, err := peer.New(peer.Options{
		Logger: slog.New(slog.DiscardHandler), Consent: 30 * time.Second, CertificateLife: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.Conn(netip.Addr{}, true).Reachable() {
		t.Error("there is an address before the port is open")
	}
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// open makes a Conn for a recorded publisher on this machine, and returns what it
// is told.
func open(t *testing.T, f *peer.Factory, ended <-chan struct{}) (c *peer.Conn, offer string) {
	t.Helper()
	recorded, err := os.ReadFile("../negotiate/testdata/offers/publish/chromium-156-simulcast.sdp")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(recorded), "\n") // the first line says where it is from
	plan, err := negotiate.Ingest(text)
	if err != nil {
		t.Fatal(err)
	}
	c = f.Conn(netip.MustParseAddr("127.0.0.1"), true)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	err = c.Open(peer.Setup{
		Logger: slog.New(slog.DiscardHandler), Plan: plan,
		Deadline: func() time.Time { return time.Now().Add(time.Minute) },
		Receives: true,
		Buffer:   func(packetio.BufferPacketType, uint32) io.ReadWriteCloser { return nil },
		Changed:  func() {}, Ended: ended,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, plan.Offer(plan.Ufrag, plan.Pwd, nil)
}

// The address that the request came in on is the first candidate, and what the
// candidates need of the sockets is given back.
func TestConnAnswers(t *testing.T) {
	f := openFactory(t)
	c, offer := open(t, f, nil)
	first, err := c.Answer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Candidates) != len(f.Addresses()) || c.Sockets() != len(first.Candidates) {
		t.Fatalf("candidates %q and %d sockets, of addresses %v", first.Candidates, c.Sockets(), f.Addresses())
	}
	if !strings.Contains(first.Candidates[0], " 127.0.0.1 ") || !strings.HasPrefix(c.Fingerprint(), "sha-256 ") {
		t.Errorf("first candidate %q, fingerprint %q", first.Candidates[0], c.Fingerprint())
	}
	if c.Closed() {
		t.Error("closed already")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if !c.Closed() || c.Sockets() != 0 {
		t.Errorf("after the end: closed %v, a share of %d sockets", c.Closed(), c.Sockets())
	}
}

func TestConnWaitsForNothingMore(t *testing.T) {
	f := openFactory(t)
	ended := make(chan struct{})
	close(ended)
	gone, leave := context.WithCancel(t.Context())
	leave()
	fails := func(ctx context.Context, ended <-chan struct{}, want error) {
		t.Helper()
		var err error
		for range 20 { // where all candidates are there already, they are taken
			c, offer := open(t, f, ended)
			if _, err = c.Answer(ctx, offer); err != nil {
				break
			}
		}
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	fails(t.Context(), ended, peer.ErrEnded)
	fails(gone, nil, context.Canceled)
}
