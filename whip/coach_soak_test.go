//go:build soak

package whip_test

import (
	"slices"
	"testing"
	"time"

	"weir/coach"
	"weir/internal/webrtctest"
)

// What a publisher is told of its losses: those that it repairs are losses and
// nothing more; one that answers no NACK is told that, too.
func TestCoachTellsLosses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		publisher webrtctest.PublishOptions
		lose      uint32 // every nth packet
		want      []coach.Code
	}{
		"repaired":               {lose: 15, want: []coach.Code{coach.PacketLoss}},
		"repaired on the stream": {publisher: webrtctest.PublishOptions{NoRTX: true}, lose: 15, want: []coach.Code{coach.PacketLoss}},
		"few, repaired":          {lose: 150},
		"not repaired":           {publisher: webrtctest.PublishOptions{Mute: true}, lose: 15, want: []coach.Code{coach.NACKUnanswered, coach.PacketLoss}},
		"none":                   {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, serverOptions{})
			c, err := coach.New(coach.Options{Registry: s.registry})
			if err != nil {
				t.Fatal(err)
			}
			run(t, c.Run)
			row.publisher.NoAudio = true
			p := s.publish(t, "live", row.publisher)
			feeding(t.Context(), t, p, webrtctest.Feed{})
			player := s.play(t, "live", webrtctest.Options{NoAudio: true})
			media(t, player, 10)
			p.LoseOut(row.lose)
			<-time.After(25 * time.Second)
			var got []coach.Code
			for _, f := range c.Findings("live") {
				got = append(got, f.Code)
				t.Log(f.Text)
			}
			slices.Sort(got)
			if !slices.Equal(got, row.want) {
				t.Errorf("found %q, want %q", got, row.want)
			}
		})
	}
}
