//go:build e2e

package e2e_test

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A relay hands datagrams between players and a server on loopback, and holds
// those to the players back for a while. It ends with the test.
type relay struct {
	port  int
	delay atomic.Int64 // nanoseconds, for datagrams that come from now on

	running sync.WaitGroup
	mu      sync.Mutex
	// guarded by mu
	flows map[netip.AddrPort]*net.UDPConn // to the server, by player
}

const (
	relaySeed   = 120
	relayJitter = 2 * time.Millisecond // at most, over the delay
	relayQueue  = 4096                 // datagrams a player; more are lost
)

// newRelay starts a relay to the server's UDP port.
func newRelay(t *testing.T, server netip.AddrPort) *relay {
	t.Helper()
	players, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{port: players.LocalAddr().(*net.UDPAddr).Port, flows: map[netip.AddrPort]*net.UDPConn{}} //nolint:errcheck // a UDP socket's
	r.running.Go(func() { r.forward(players, server) })
	t.Cleanup(func() {
		_ = players.Close() // ends forward
		r.mu.Lock()
		for _, flow := range r.flows {
			_ = flow.Close() // ends its return
		}
		r.mu.Unlock()
		r.running.Wait()
	})
	return r
}

// forward hands on what players send, at once.
func (r *relay) forward(players *net.UDPConn, server netip.AddrPort) {
	b := make([]byte, 2048)
	for {
		n, player, err := players.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		flow, err := r.flow(players, player, server)
		if err != nil {
			return
		}
		_, _ = flow.Write(b[:n]) // as lossy as any network
	}
}

func (r *relay) flow(players *net.UDPConn, player, server netip.AddrPort) (*net.UDPConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if flow := r.flows[player]; flow != nil {
		return flow, nil
	}
	flow, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	r.flows[player] = flow
	r.running.Go(func() { r.back(flow, players, player) })
	return flow, nil
}

// back hands on what the server sends, each datagram when it is due, in order.
func (r *relay) back(flow, players *net.UDPConn, player netip.AddrPort) {
	type datagram struct {
		due  time.Time
		data []byte
	}
	queue := make(chan datagram, relayQueue)
	r.running.Go(func() {
		for d := range queue {
			timer := time.NewTimer(time.Until(d.due))
			<-timer.C
			_, _ = players.WriteToUDPAddrPort(d.data, player) // as lossy as any network
		}
	})
	defer close(queue)
	jitter := rand.New(rand.NewPCG(relaySeed, uint64(player.Port())))
	b := make([]byte, 2048)
	for {
		n, err := flow.Read(b)
		if err != nil {
			return
		}
		d := datagram{time.Now(), append([]byte(nil), b[:n]...)}
		if delay := time.Duration(r.delay.Load()); delay > 0 {
			d.due = d.due.Add(delay + time.Duration(jitter.Int64N(int64(relayJitter))))
		}
		select {
		case queue <- d:
		default:
		}
	}
}
