//go:build e2e

package netns_test

import (
	"encoding/json"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// A narrow link of 10 Mbit/s to the viewer, a publisher of 2.5 Mbit/s that makes
// a key frame each four seconds and none on request: who joins in between gets
// what is cached at a rate that the link bears, has a picture soon and is live
// soon after. Little is sent twice.
func TestNarrowLink(t *testing.T) {
	t.Parallel()
	webrtctest.Tries(t, narrowLink)
}

func narrowLink(t *webrtctest.Attempt) {
	n := newNetwork(t.T, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	n.whole(t.T)
	at(t.T, n.server, "tc", "qdisc", "add", "dev", "w0", "root", "tbf", "rate", "10mbit", "burst", "32kb", "latency", "50ms")
	startGateway(t.T, n.server, "-addr", "192.0.2.1:8080")
	const packets, gop = 9, 120 // of 1,150 bytes, 30 a second: 2.5 Mbit/s
	p := peer{URL: "http://192.0.2.1:8080/whip/live", Token: token, Codec: "H264", GOP: gop, Packets: packets, Size: 1150, Deaf: true}
	publisher := p.run(t.T, n.server)
	publisher.said("key")
	var (
		all   []viewer
		again []int
	)
	for i := range joins() {
		if i == 0 || soak() {
			publisher.said("key")
		}
		time.Sleep(2500 * time.Millisecond)
		crowd := peer{URL: "http://192.0.2.1:8080/whep/live", Viewers: 1, Codec: "H264", Packets: packets}.run(t.T, n.player)
		crowd.said("connected")
		time.Sleep(3 * time.Second)
		again = append(again, resent(t.T, n))
		all = append(all, crowd.end().Viewers...)
	}
	sent := publisher.end().Sent
	for i, v := range all {
		j := joined(v, sent)
		t.Logf("join %d: %d pictures behind; a picture after %v, live after %v, then at most %v old, none for at most %v; %d packets sent again, %d came twice, %d never",
			i, j.behind, j.picture, j.live, j.later, j.still, again[i], v.Video.Duplicates, v.Video.Missing)
		if j.picture > slack(500*time.Millisecond) || j.live == 0 || j.live > slack(2*time.Second) || j.later > time.Second {
			t.Errorf("join %d: too late", i)
		}
		if again[i] > gop*packets {
			t.Errorf("join %d: %d packets were sent again", i, again[i])
		}
	}
}

// joins is how many viewers join one after the other.
func joins() int {
	if soak() {
		return 8
	}
	return 1
}

// whole makes both ends of the link send whole datagrams: what the kernel would
// cut only at the far end would be lost as a whole.
func (n *network) whole(t *testing.T) {
	t.Helper()
	for _, end := range []string{n.server, n.player} {
		at(t, end, "ethtool", "-K", "w0", "tx-udp-segmentation", "off")
	}
}

// join is how a viewer came to be live. A picture counts from when it and all
// since the key frame before it were whole: only then a decoder can show it.
type join struct {
	behind        int           // pictures it got that were sent before it came
	picture, live time.Duration // from its offer until the first picture, and until one that was less than liveWithin old
	later         time.Duration // from then on, the age of the oldest when it could be shown
	still         time.Duration // the longest time without a picture
}

// liveWithin is how old a picture may be that counts as live.
const liveWithin = 120 * time.Millisecond

func joined(v viewer, all []sent) (j join) {
	when := map[uint32]sent{}
	for _, s := range all {
		when[s.Picture] = s
	}
	since := func(from, to int64) time.Duration { return time.Duration(to-from) * time.Microsecond }
	chain, broken, last := int64(0), true, int64(0)
	for _, s := range v.Pictures {
		sent := when[s.Picture]
		if broken = (broken && !sent.Key) || s.Done == 0; broken {
			continue
		}
		chain = max(chain, s.Done)
		if j.picture == 0 {
			j.picture = since(v.Begin, chain)
		} else {
			j.still = max(j.still, since(last, chain))
		}
		last = chain
		if sent.At < v.Begin {
			j.behind++
		}
		age := since(sent.At, chain)
		switch {
		case j.live == 0 && age <= liveWithin:
			j.live = since(v.Begin, chain)
		case j.live != 0:
			j.later = max(j.later, age)
		}
	}
	return j
}

// resent is how many packets of the picture the gateway sends a viewer again.
func resent(t *testing.T, n *network) (packets int) {
	t.Helper()
	var got struct {
		Sessions []struct {
			Protocol string
			Media    []struct {
				Kind   string
				Resent int
			}
		}
	}
	text := at(t, n.server, "curl", "-s", "-H", "Authorization: Bearer "+token, "http://192.0.2.1:8080/api/v1/sessions")
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, session := range got.Sessions {
		for _, media := range session.Media {
			if session.Protocol == "whep" && media.Kind == "video" {
				packets += media.Resent
			}
		}
	}
	return packets
}
