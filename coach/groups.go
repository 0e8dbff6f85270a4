package coach

import (
	"fmt"
	"slices"
	"time"
)

const (
	// gopFine is how far apart key frames may be that do not come when they are
	// asked for.
	gopFine = 2500 * time.Millisecond
	// gopMost is from when on that is bad.
	gopMost = 4 * time.Second
	// answerWithin is how soon a key frame comes that answers a request.
	answerWithin = time.Second
	// giveUp is after how long a request counts as unanswered.
	giveUp = 3 * time.Second
	// certainty is how many distances in a row are certain, since a key frame may
	// get lost.
	certainty = 2
	// answersKept is how many answers are remembered.
	answersKept = 8
)

// groups is what is known of a track's groups of pictures.
type groups struct {
	seen      uint64          // key frames taken account of
	distances []time.Duration // between the newest, as many as are kept
	steady    []time.Duration // of those that no request made shorter and no loss longer
	cut       bool            // the newest key frame came because it was asked for

	requests uint64    // as reported
	asked    time.Time // when the newest was
	waiting  time.Time // for the answer to the one of that time; zero: for none
	answers  []bool    // whether requests were answered, the newest last
}

// take takes what is new: counts of the track, how often the publisher was asked
// for a key frame since it began, and when last.
func (g *groups) take(c *counts, requests uint64, asked time.Time) {
	// A publisher is also asked for what no viewer wants, a layer to change over to:
	// that has no time.
	if requests > g.requests && asked.After(g.asked) && g.waiting.IsZero() {
		g.waiting = asked
	}
	g.requests, g.asked = requests, asked
	for n := max(g.seen, c.keyFrames-min(c.keyFrames, keysKept)); n < c.keyFrames; n++ {
		g.key(c.keys[n%keysKept])
	}
	g.seen = c.keyFrames
	if !g.waiting.IsZero() && c.at.Sub(g.waiting) > giveUp {
		g.answer(false)
	}
}

// key takes the next key frame.
func (g *groups) key(k keyFrame) {
	came := false
	if !g.waiting.IsZero() && !k.at.Before(g.waiting) {
		came = k.at.Sub(g.waiting) <= answerWithin
		g.answer(came)
	}
	if k.distance > 0 {
		g.distances = keep(g.distances, k.distance, certainty)
		if k.whole && !came && !g.cut {
			g.steady = keep(g.steady, k.distance, keysKept)
		}
	}
	g.cut = came
}

// answer notes whether the request that is waited for was answered.
func (g *groups) answer(came bool) {
	g.waiting = time.Time{}
	g.answers = keep(g.answers, came, answersKept)
}

// unanswered is how many of the requests remembered were not answered.
func (g *groups) unanswered() (n int) {
	for _, came := range g.answers {
		if !came {
			n++
		}
	}
	return n
}

// deaf says that most requests went unanswered, the newest among them; hears that
// most were answered, the newest among them. One may get lost.
func (g *groups) deaf() bool  { return g.mostly(false) }
func (g *groups) hears() bool { return g.mostly(true) }

func (g *groups) mostly(came bool) bool {
	n := len(g.answers)
	if n == 0 || g.answers[n-1] != came {
		return false
	}
	alike := g.unanswered()
	if came {
		alike = n - alike
	}
	return 2*alike > n
}

// distance is how far apart key frames are for certain: twice in a row, since the
// one between may have got lost. What is open, since the newest, counts as far as
// it goes.
func (g *groups) distance(open time.Duration) time.Duration {
	certain, newest := open/2, time.Duration(0)
	for _, d := range g.distances {
		certain, newest = max(certain, min(newest, d)), d
	}
	return max(certain, min(newest, open))
}

// wander says whether key frames come irregularly, between which distances. The
// shortest and the longest one may be chance.
func (g *groups) wander() (from, to time.Duration, known, wanders bool) {
	const enough = 6
	if len(g.steady) < enough {
		return 0, 0, false, false
	}
	sorted := slices.Sorted(slices.Values(g.steady))
	from, to = sorted[1], sorted[len(sorted)-2]
	return from, to, true, to > gopFine && to-from > time.Second/2 && to > from*3/2
}

// checkGroups judges key frames: how far apart they are, and whether they come
// when they are asked for. Deaf is a publisher that cannot be asked.
func (u *pupil) checkGroups(deaf bool, judge func(verdict)) {
	g := &u.groups
	distance, unanswered := g.distance(u.now.open), g.unanswered()
	known := len(g.distances) == certainty // both ends of what is certain were seen
	long := distance > gopMost
	answers := len(g.answers) > 0 && unanswered == 0
	every := fmt.Sprintf("Key frames come %.1f s apart", distance.Seconds())
	if len(g.distances) == 0 {
		every = fmt.Sprintf("No key frame has come for %.1f s", u.now.open.Seconds())
	}

	v := verdict{code: GOPLong, track: u.name, wrong: long && (deaf || g.deaf()), remedies: keyFramesEvery(u.rate())}
	why := "and none comes when it is asked for"
	if deaf {
		why = "and the publisher cannot be asked for one"
	}
	v.text = every + ", " + why + ": who joins or loses a packet may wait as long for a picture."
	if v.wrong || known && !long || g.hears() {
		judge(v)
	}

	const several = 3                       // requests: one may get lost, or a key frame come by chance
	bearable := distance <= gopFine || long // the latter is said above
	v = verdict{code: KeyFrameUnanswered, track: u.name, wrong: unanswered >= several && !bearable, remedies: keyFramesEvery(u.rate())}
	v.text = fmt.Sprintf("%s, and %d of the last %d requests for one went unanswered: who loses a packet may wait as long for a picture.",
		every, unanswered, len(g.answers))
	if v.wrong || known && bearable || answers {
		judge(v)
	}

	if from, to, known, wanders := g.wander(); known && !long {
		judge(verdict{
			code: GOPWandering, track: u.name, wrong: wanders, remedies: keyFramesSteady(u.rate()),
			text: fmt.Sprintf("Key frames come at random, between %.1f s and %.1f s apart: viewers wait for them at random, and the bit rate has peaks.",
				from.Seconds(), to.Seconds()),
		})
	}
}

// keep puts one more behind what is kept, and lets the oldest go beyond so many.
func keep[T any](all []T, one T, most int) []T {
	if len(all) == most {
		copy(all, all[1:])
		all = all[:most-1]
	}
	return append(all, one)
}
