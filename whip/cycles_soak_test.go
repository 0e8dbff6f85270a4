//go:build soak

package whip_test

import (
	"testing"

	"weir/internal/webrtctest"
)

func TestThousandPublishers(t *testing.T) { publishAndLeave(t, 1000) }

func TestThousandViewers(t *testing.T) {
	s := newServer(t, serverOptions{})
	publisher := s.publish(t, "live", webrtctest.PublishOptions{Mute: true}) // it keeps no packets to send again
	if err := publisher.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	feeding(t.Context(), t, publisher, webrtctest.Feed{})
	leavesNothing(t, s, 1000, func(i int) {
		p, err := webrtctest.Play(t.Context(), s.base+"/whep/live", webrtctest.Options{Fields: bearer(playToken)})
		if err != nil {
			t.Fatal(err)
		}
		if i%5 != 0 {
			media(t, p, 2)
		}
		leave(t, p.Link, i)
	})
}
