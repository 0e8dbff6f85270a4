//go:build e2e

package netns_test

import (
	"slices"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// backWithin is by when after a new publisher's first key frame every viewer
// should show it.
const backWithin = 500 * time.Millisecond

// A publisher is killed and comes back after a second, or its successor comes
// while it still sends: it is let in at once, and the viewers go on in the
// sessions they have.
func TestPublisherReturns(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]bool{"killed": true, "still sending": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webrtctest.Tries(t, func(t *webrtctest.Attempt) { publisherReturns(t, kill) })
		})
	}
}

func publisherReturns(t *webrtctest.Attempt, kill bool) {
	n := newNetwork(t.T, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	g := startGateway(t.T, n.server, "-addr", "192.0.2.1:8080")
	const packets, viewers, gop, second = 4, 5, 30, 1_000_000
	p := peer{URL: "http://192.0.2.1:8080/whip/live", Token: token, Codec: "H264", GOP: gop, Packets: packets, Size: 1000}
	first := p.run(t.T, n.player)
	first.said("key")
	crowd := peer{URL: "http://192.0.2.1:8080/whep/live", Viewers: viewers, Codec: "H264", Packets: packets}.run(t.T, n.player)
	crowd.said("connected")
	time.Sleep(2 * time.Second)

	if kill {
		first.kill()
		time.Sleep(time.Second)
	}
	p.First = second
	began := time.Now()
	next := p.run(t.T, n.player)
	letIn := next.said("connected").At
	key := next.said("key").At
	t.Logf("connected %v after it was started, its first key frame went %v later",
		time.UnixMicro(letIn).Sub(began).Round(time.Millisecond), time.Duration(key-letIn)*time.Microsecond)
	time.Sleep(2 * time.Second)
	all := crowd.end()
	next.end()
	for i, v := range all.Viewers {
		back, freeze, step := change(v.Pictures, second)
		t.Logf("viewer %d: a new picture %v after its key frame went, none for %v, timestamps on by %v",
			i, time.Duration(back-key)*time.Microsecond, freeze, step)
		if back == 0 || time.Duration(back-key)*time.Microsecond > slack(backWithin) {
			t.Errorf("viewer %d shows nothing new in time", i)
		}
		if !kill && freeze > slack(time.Second) { // a group of pictures is one
			t.Errorf("viewer %d stood still for %v", i, freeze)
		}
		if off := (step - freeze).Abs(); off > 150*time.Millisecond {
			t.Errorf("viewer %d: timestamps go on by %v after %v", i, step, freeze)
		}
		if v.Video.Missing > 0 || v.Audio.Missing > 0 || v.Video.Goodbyes > 0 {
			t.Errorf("viewer %d: %+v, %+v", i, v.Video, v.Audio)
		}
	}
	g.logged(t, `msg="session ended"`, "stream=live", "reason=taken_over")
}

// change looks at where a viewer's pictures become those of another publisher,
// whose numbers begin at first: when the first of these was whole, for how long
// no picture came before it, and by how much its timestamp goes on.
func change(pictures []seen, first uint32) (back int64, freeze, step time.Duration) {
	i := slices.IndexFunc(pictures, func(s seen) bool { return s.Picture >= first })
	if i < 1 {
		return 0, 0, 0
	}
	before := pictures[i-1]
	ticks := int32(pictures[i].Timestamp - before.Timestamp)
	return pictures[i].Done, time.Duration(pictures[i].First-before.First) * time.Microsecond, time.Duration(ticks) * time.Second / 90000
}
