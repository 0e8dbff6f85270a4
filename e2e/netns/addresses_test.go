//go:build e2e

package netns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// playVariable makes the test binary a player instead: its value is the address
// to play from, see playFrom. Tests run it so on another host.
const playVariable = "E2E_PLAY_FROM"

func TestMain(m *testing.M) {
	code := 0
	address, peer := os.Getenv(playVariable), os.Getenv(peerVariable)
	var err error
	switch {
	case address != "":
		err = playFrom(address)
	case peer != "":
		err = runPeer(peer)
	default:
		code, err = examined(m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // as a peer this is its main
}

// A player reaches a host on each of its addresses, by HTTP and with media.
func TestEveryAddress(t *testing.T) {
	t.Parallel()
	first := link{
		server: []string{"192.0.2.1/25", "2001:db8:1::1/64"},
		player: []string{"192.0.2.2/25", "2001:db8:1::2/64"},
	}
	second := link{
		server: []string{"192.0.2.129/25", "2001:db8:2::1/64"},
		player: []string{"192.0.2.130/25", "2001:db8:2::2/64"},
	}
	n := newNetwork(t, first, second)
	g := startGateway(t, n.server, "-addr", ":8080")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, prefix := range slices.Concat(first.server, second.server) {
		all = append(all, netip.MustParsePrefix(prefix).Addr().String())
	}
	slices.Sort(all)
	// Where the request came by IPv6 the same interface's IPv4 address comes first.
	foremost := map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1::1": "192.0.2.1",
		"192.0.2.129": "192.0.2.129", "2001:db8:2::1": "192.0.2.129",
	}
	for address, want := range foremost {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			c := on(ctx, n.player, self)
			c.Env = append(c.Env, playVariable+"="+address)
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("the player: %v: %s\n%s", err, out, g.log)
			}
			got := strings.Fields(string(out))
			if len(got) == 0 || got[0] != want {
				t.Errorf("candidates %v, want %s first", got, want)
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, all) {
				t.Errorf("candidates %v, want %v", got, all)
			}
		})
	}
}

// playFrom plays the stream "test" from one address of the gateway, and from no
// other: it takes no other candidate and hides its own, so that the gateway
// cannot begin. It prints the addresses of the gateway's candidates in order.
func playFrom(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	player, err := webrtctest.Play(ctx, "http://"+net.JoinHostPort(address, "8080")+"/whep/test", webrtctest.Options{
		AllInterfaces: true, IPv6: true, HideCandidates: true,
		Answer: func(sdp string) string { return onlyCandidates(sdp, address) },
	})
	if err != nil {
		return fmt.Errorf("play: %w", err)
	}
	err = player.WaitMedia(ctx, 60)
	if err == nil {
		err = onPair(player, address)
	}
	if err == nil {
		for _, candidate := range candidates(player.Answer()) {
			_, err = fmt.Fprintln(os.Stdout, candidate[4])
		}
	}
	_, deleteErr := player.Delete(ctx)
	return errors.Join(err, deleteErr, player.Close())
}

// onPair returns an error if media do not come from this address.
func onPair(player *webrtctest.Player, address string) error {
	for _, receiver := range player.PeerConnection().GetReceivers() {
		pair, err := receiver.Transport().ICETransport().GetSelectedCandidatePair()
		if err != nil {
			return fmt.Errorf("look at the candidate pair: %w", err)
		}
		if pair == nil || netip.MustParseAddr(pair.Remote.Address) != netip.MustParseAddr(address) {
			return fmt.Errorf("media come on the pair %v, want them from %s", pair, address)
		}
	}
	return nil
}

// candidates are the fields of the candidate lines (RFC 8839 5.1).
func candidates(sdp string) [][]string {
	var all [][]string
	for line := range strings.Lines(sdp) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "a=candidate:") && len(fields) > 5 {
			all = append(all, fields)
		}
	}
	return all
}

// onlyCandidates leaves out the candidates on other addresses.
func onlyCandidates(sdp, address string) string {
	var kept strings.Builder
	for line := range strings.Lines(sdp) {
		if c := candidates(line); len(c) == 0 || netip.MustParseAddr(c[0][4]) == netip.MustParseAddr(address) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
