//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"weir/internal/webrtctest"
)

// joined is how one join went, in milliseconds.
type joined struct {
	Moment     int     // picture of the GOP
	Picture    float64 // from the POST to the first picture
	Live       float64 // from there until it is live for good
	Behind     float64 // of the first picture, behind the live line
	Latency    float64 // glass to glass, in the last second
	Freezes    int
	Frozen     float64 // seconds
	Lost       int
	Dropped    int
	Unreadable int
	Decoder    string
}

// filmGOP is four seconds.
const filmGOP = 120

// joins has a browser join the film, for some seconds each time, at these moments.
func joins(t *testing.T, browser, codec string, seconds float64, moments []int) []joined {
	t.Helper()
	needs(t, map[string]string{"chromium": chromium, "firefox": firefox}[browser])
	server := start(t, build(t, "0"), "127.0.0.1:0")
	film := publishFilm(t, server, filmOptions{codec: codec, gop: filmGOP})
	var all []joined
	for some := range slices.Chunk(moments, int(100/(seconds+4))) { // as many as a script has time for
		args := []string{browser, server.base, "live", fmt.Sprint(seconds), fmt.Sprint(filmGOP)}
		for _, m := range some {
			args = append(args, fmt.Sprint(m))
		}
		var got []joined
		run(t, "joins.mjs", args...).report(t, &got)
		all = append(all, got...)
	}
	for _, j := range all {
		t.Logf("%+v", j)
	}
	t.Logf("the publisher heard %+v", film.publisher.Heard())
	return all
}

// randomMoments are spread over the GOP, each at random in its part of it.
func randomMoments(n int) []int {
	moments := make([]int, n)
	for i := range moments {
		moments[i] = (i*filmGOP + rand.IntN(filmGOP)) / n
	}
	rand.Shuffle(n, func(i, j int) { moments[i], moments[j] = moments[j], moments[i] })
	return moments
}

// figures are one figure of all joins, sorted.
func figures(all []joined, figure func(joined) float64) []float64 {
	values := make([]float64, len(all))
	for i, j := range all {
		values[i] = figure(j)
	}
	slices.Sort(values)
	return values
}

// joinBounds are in milliseconds.
type joinBounds struct{ median, secondWorst, live float64 }

// judgeJoins wants a picture soon, and no freeze.
func judgeJoins(tb testing.TB, all []joined, b joinBounds) {
	tb.Helper()
	picture := figures(all, func(j joined) float64 { return j.Picture })
	live := figures(all, func(j joined) float64 { return j.Live })
	n := len(all)
	tb.Logf("first picture: median %.0f, second worst %.0f, worst %.0f ms; live: median %.0f, second worst %.0f, worst %.0f ms",
		picture[n/2], picture[n-2], picture[n-1], live[n/2], live[n-2], live[n-1])
	if picture[n/2] > b.median || picture[n-2] > b.secondWorst {
		tb.Errorf("first picture: median %.0f ms, second worst %.0f ms; want at most %.0f and %.0f", picture[n/2], picture[n-2], b.median, b.secondWorst)
	}
	if live[n-2] > b.live {
		tb.Errorf("live %.0f ms after it, want at most %.0f", live[n-2], b.live)
	}
	for _, j := range all {
		if j.Freezes > 0 || j.Lost > 0 {
			tb.Errorf("%d freezes, %d packets lost: %+v", j.Freezes, j.Lost, j)
		}
	}
}

// Who joins a publisher that answers no key-frame request has a picture at once. The bounds are three times those of the
// soak, the picture a smaller one.
func TestJoins(t *testing.T) {
	moments := randomMoments(3)
	slices.Sort(moments)
	slices.Reverse(moments) // each comes soon after the one before has ended
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		judgeJoins(t, joins(t.T, "chromium", "H264", 2, moments), joinBounds{median: 450, secondWorst: 1500, live: 3000})
	})
}

// All of it, on a machine that does nothing else: E2E_SOAK=1.
func TestJoinsSoak(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("takes eight minutes: only when E2E_SOAK is set")
	}
	t.Run("chromium", func(t *testing.T) {
		judgeJoins(t, joins(t, "chromium", "H264", 3, randomMoments(30)), joinBounds{median: 150, secondWorst: 500, live: 1000})
	})
	t.Run("firefox", func(t *testing.T) {
		judgeJoins(t, joins(t, "firefox", "VP8", 3, randomMoments(30)), joinBounds{median: 250, secondWorst: 500, live: 1500})
	})
	// Ten seconds later nobody sees who joined on a key frame and who did not.
	t.Run("latency", func(t *testing.T) {
		const onKey = filmGOP - 1 // the key frame comes while the connection is made
		all := joins(t, "chromium", "H264", 10, []int{onKey, 30, onKey, 60, onKey, 90, 45, onKey, 75, 105})
		latency := map[bool][]float64{}
		for _, j := range all {
			latency[j.Moment == onKey] = append(latency[j.Moment == onKey], j.Latency)
		}
		slices.Sort(latency[true])
		slices.Sort(latency[false])
		key, replayed := latency[true][len(latency[true])/2], latency[false][len(latency[false])/2]
		t.Logf("10 s later: %.0f ms after a key frame (%.0f), %.0f ms after a replay (%.0f)", key, latency[true], replayed, latency[false])
		if d := replayed - key; d > 30 || d < -30 {
			t.Errorf("10 s after a join the latency is %.0f ms with a replay, %.0f without", replayed, key)
		}
	})
}
