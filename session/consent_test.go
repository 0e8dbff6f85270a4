package session_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/session"
)

// mute is a player's socket that answers no check once it is told so.
type mute struct {
	net.PacketConn

	answersNone atomic.Bool
}

func (m *mute) WriteTo(b []byte, to net.Addr) (int, error) {
	if m.answersNone.Load() && len(b) > 1 && b[0] == 1 && b[1] == 1 {
		return len(b), nil
	}
	return m.PacketConn.WriteTo(b, to)
}

// A player that answers no checks has not agreed to be sent to, whatever else it
// sends (RFC 7675 5.1).
func TestConsentIsAnAnswer(t *testing.T) {
	g := newGateway(t, session.Options{Consent: 1500 * time.Millisecond})
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	socket := &mute{PacketConn: conn}
	mux := webrtc.NewICEUDPMux(nil, socket)
	p, s, _ := g.join(t, playerOptions{settings: func(e *webrtc.SettingEngine) {
		e.SetICEUDPMux(mux)
		e.SetICETimeouts(time.Minute, time.Minute, 100*time.Millisecond) // it checks the way often
	}})
	p.plays(t)
	until := time.NewTimer(1600 * time.Millisecond)
	defer until.Stop()
	select {
	case <-s.Done():
		t.Fatalf("ended with %q though it answers", s.Reason())
	case <-until.C:
	}
	socket.answersNone.Store(true)
	ends(t, s, within, session.ReasonConsent)
}
