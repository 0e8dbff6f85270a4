//go:build e2e

package netns_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

const (
	// lossPercent of the datagrams of media get lost.
	lossPercent = 5
	// repairedWithin is by when after its sending a picture should be whole.
	repairedWithin = 500 * time.Millisecond
)

// Of the datagrams on the way to the viewer, or from the publisher, one in
// twenty gets lost: nearly every picture is whole soon nevertheless.
func TestLoss(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]lossy{
		"towards the viewer": {publisher: "server", viewer: "player", at: "player", rule: "udp sport 8080"},
		"from the publisher": {publisher: "player", viewer: "server", at: "server", rule: "udp dport 8080"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webrtctest.Tries(t, c.judge)
		})
	}
}

// A lossy network loses datagrams that come to a host.
type lossy struct{ publisher, viewer, at, rule string }

func (l lossy) judge(t *webrtctest.Attempt) {
	n := newNetwork(t.T, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	lost := n.lose(t.T, n.host(l.at), l.rule)
	startGateway(t.T, n.server, "-addr", "192.0.2.1:8080")
	const packets = 9 // with 1,150 bytes and 30 pictures a second 2.5 Mbit/s
	publisher := peer{URL: "http://192.0.2.1:8080/whip/live", Token: token, Codec: "H264", GOP: 60, Packets: packets, Size: 1150}.run(t.T, n.host(l.publisher))
	publisher.said("connected")
	publisher.said("key")
	viewer := peer{URL: "http://192.0.2.1:8080/whep/live", Viewers: 1, Codec: "H264", Packets: packets}.run(t.T, n.host(l.viewer))
	viewer.said("connected")
	time.Sleep(long(10*time.Second, time.Minute))
	got, sent := viewer.end().Viewers[0], publisher.end()
	r := repaired(sent.Sent, got.Pictures)
	t.Logf("%d datagrams lost; %v; %d packets came out of order, %d never; the publisher got %+v",
		lost(), r, got.Video.Recovered, got.Video.Missing, sent.Heard)
	if lost() < 50 {
		t.Errorf("only %d datagrams were lost", lost())
	}
	if whole := r.within(slack(repairedWithin)); r.sent < 200 || whole*1000 < r.sent*995 {
		t.Errorf("%d of %d pictures were whole in time", whole, r.sent)
	}
}

// Chromium loses one datagram in twenty of the test pattern and decodes nearly
// all of it.
func TestLossInChromium(t *testing.T) {
	if !soak() {
		t.Skip("only with E2E_SOAK=1")
	}
	n := newNetwork(t, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	lost := n.lose(t, n.player, "udp sport 8080")
	startGateway(t, n.server, "-addr", "192.0.2.1:8080")
	const least = 0.985 * 30 // 99.5 %, and a picture more or less at either end
	got := inChromium(t, n, "test")
	for range 2 {
		if got.Rate >= least {
			break
		}
		t.Log("the machine may be busy: once more")
		got = inChromium(t, n, "test")
	}
	t.Logf("%d datagrams lost", lost())
	if lost() < 50 || got.Rate < least {
		t.Errorf("%.2f pictures a second decoded, want %.2f", got.Rate, least)
	}
}

// slack is how long something may take that should take so long.
func slack(bound time.Duration) time.Duration { return bound * time.Duration(webrtctest.Slack()) }

// A hundred viewers lose packets and ask for key frames each second: few of
// these requests reach the publisher.
func TestKeyFrameStorm(t *testing.T) {
	for name, deaf := range map[string]bool{"answered": false, "unanswered": true} {
		t.Run(name, func(t *testing.T) {
			if deaf && !soak() {
				t.Skip("only with E2E_SOAK=1")
			}
			webrtctest.Tries(t, func(t *webrtctest.Attempt) { keyFrameStorm(t, deaf) })
		})
	}
}

func keyFrameStorm(t *webrtctest.Attempt, deaf bool) {
	n := newNetwork(t.T, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	lost := n.lose(t.T, n.player, "udp sport 8080")
	startGateway(t.T, n.server, "-addr", "192.0.2.1:8080")
	const packets, viewers = 2, 100
	gop := 10_000 // else there are key frames enough
	if deaf {
		gop = 60
	}
	publisher := peer{
		URL: "http://192.0.2.1:8080/whip/live", Token: token, Codec: "H264", GOP: gop,
		Packets: packets, Size: 500, Interval: 66 * time.Millisecond, Deaf: deaf,
	}.run(t.T, n.server)
	publisher.said("key")
	crowd := peer{URL: "http://192.0.2.1:8080/whep/live", Viewers: viewers, Codec: "H264", Packets: packets, AskEach: time.Second}.run(t.T, n.player)
	from := crowd.said("connected").At
	time.Sleep(long(6*time.Second, time.Minute))
	all, sent := crowd.end(), publisher.end()
	asked := slices.DeleteFunc(sent.Asked, func(at int64) bool { return at < from })
	seconds := float64(all.At-from) / 1e6
	t.Logf("%d datagrams lost; %d requests reached the publisher in %.1f s, %d while they joined",
		lost(), len(asked), seconds, len(sent.Asked)-len(asked))
	if most := int(2*seconds) + 1; len(asked) > most || len(asked) == 0 {
		t.Errorf("%d requests in %.1f s, want at most %d", len(asked), seconds, most)
	}
	for i, v := range all.Viewers {
		if v.Video.Missing*100 > v.Video.Packets || v.Video.Frames < int(10*seconds) {
			t.Errorf("viewer %d: %+v", i, v.Video)
			return
		}
	}
}

// repair is how long after their sending pictures were whole.
type repair struct {
	sent  int
	after []time.Duration // sorted; of those that became whole
}

// repaired looks at the pictures that were sent after the viewer's first came,
// and not at the last second.
func repaired(all []sent, pictures []seen) (r repair) {
	if len(pictures) == 0 || len(all) == 0 {
		return r
	}
	done := map[uint32]int64{}
	for _, p := range pictures {
		if p.Done != 0 && done[p.Picture] == 0 {
			done[p.Picture] = p.Done
		}
	}
	last := pictures[len(pictures)-1].First - time.Second.Microseconds()
	for _, s := range all {
		if s.At <= pictures[0].First || s.At > last {
			continue
		}
		r.sent++
		if at := done[s.Picture]; at != 0 {
			r.after = append(r.after, time.Duration(at-s.At)*time.Microsecond)
		}
	}
	slices.Sort(r.after)
	return r
}

// within counts the pictures that were whole by then.
func (r repair) within(most time.Duration) int {
	n, _ := slices.BinarySearch(r.after, most+1)
	return n
}

func (r repair) String() string {
	if len(r.after) == 0 {
		return "no picture was whole"
	}
	at := func(part float64) time.Duration {
		return r.after[int(part*float64(len(r.after)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%d of %d pictures whole within %v; median %v, 95 %% %v, all %v",
		r.within(repairedWithin), r.sent, repairedWithin, at(0.5), at(0.95), at(1))
}

// host is the server or the player.
func (n *network) host(which string) string {
	if which == "server" {
		return n.server
	}
	return n.player
}

// lose drops datagrams that come to a host over the link, where a rule of nft
// matches. The function returned counts them.
func (n *network) lose(t *testing.T, host, match string) func() int {
	t.Helper()
	n.whole(t)
	at(t, host, "nft", "add table inet loss")
	at(t, host, "nft", "add chain inet loss input { type filter hook input priority 0; }")
	at(t, host, "nft", fmt.Sprintf("add rule inet loss input iifname w0 %s numgen random mod 100 < %d counter drop", match, lossPercent))
	return func() int {
		m := regexp.MustCompile(`counter packets (\d+)`).FindStringSubmatch(at(t, host, "nft", "list table inet loss"))
		if m == nil {
			t.Fatal("nft does not count")
		}
		count, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
}

// at runs a command on a host.
func at(t *testing.T, host, program string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		lacking(t, "the network is made bad by "+program)
	}
	out, err := on(t.Context(), host, program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// soak says whether the tests run in their full length.
func soak() bool { return os.Getenv("E2E_SOAK") != "" }

// long is one time or, in full length, another.
func long(short, full time.Duration) time.Duration {
	if soak() {
		return full
	}
	return short
}
