package coach

import (
	"fmt"
	"math"

	"weir/internal/codec"
	"weir/stream"
)

// A pupil is one track of a publication that is looked at.
type pupil struct {
	// static
	track *stream.Track
	name  string // media type
	tally *tally
	leave func() // ends the observing

	now, before counts  // as shown at the last two looks that had something new
	asked       uint64  // key frame requests that the track had counted before
	first, sets sets    // as they were at the beginning, and as judged last
	bits        float64 // a second, between the two
	groups      groups
	drift       drift
}

// sets counts key frames, and those that lacked parameter sets.
type sets struct{ keyFrames, missing uint64 }

func newPupil(t *stream.Track, p *stream.Publication) *pupil {
	u := &pupil{track: t, name: t.Spec().Format.MimeType(), tally: newTally(t, p), first: setsOf(t), asked: t.Stats().KeyFrameRequests}
	u.sets = u.first
	u.leave = t.Observe(u.tally.observe)
	return u
}

func setsOf(t *stream.Track) sets {
	stats := t.Stats()
	return sets{stats.KeyFrames, stats.SetsMissing}
}

// requests is how often the publisher was asked for a key frame since it began: as
// its session counts, or, a source of our own, as its track does.
func (u *pupil) requests(report stream.PublisherReport, reported bool) uint64 {
	if reported {
		return report.KeyFramesAsked
	}
	return u.track.Stats().KeyFrameRequests - u.asked
}

// look takes what the tally shows, and says whether there is something new.
func (u *pupil) look() bool {
	shown := u.tally.shown.Load()
	if shown == nil || shown.at.Equal(u.now.at) {
		return false
	}
	u.before, u.now = u.now, *shown
	if passed := u.now.at.Sub(u.before.at); u.before.packets > 0 {
		u.bits = 8 * float64(u.now.bytes-u.before.bytes) / passed.Seconds()
	}
	return true
}

// rate is how many pictures there are in a second, at least 1.
func (u *pupil) rate() int {
	passed := u.now.at.Sub(u.now.since).Seconds()
	if passed < 1 {
		return 30
	}
	return max(int(math.Round(float64(u.now.pictures)/passed)), 1)
}

// checkOrder looks for pictures that are sent in another order than they are
// shown in. Some publishers stamp them with the time at which they are shown,
// which then goes back; others, OBS among them, with the time at which they are
// decoded: then the slices tell.
func (u *pupil) checkOrder(judge func(verdict)) {
	if name := u.track.Spec().Format.Name; name != codec.H264 && name != codec.H265 {
		return
	}
	const enough = 5 // pictures to say that all is right
	pictures := u.now.pictures - u.before.pictures
	b, back := u.now.b-u.before.b, u.now.back-u.before.back
	v := verdict{code: BFrames, track: u.name, wrong: true, remedies: withoutB(u.track.Spec().Format.Name)}
	part := func(n uint64) float64 { return 100 * float64(n) / float64(max(pictures, n)) }
	const effect = "browsers show pictures in the order in which they come, so this one jumps back and forth"
	switch {
	case b > 0:
		v.text = fmt.Sprintf("%.0f %% of the pictures are B-frames, which are sent later than they are shown: %s.", part(b), effect)
	case back > 0:
		v.text = fmt.Sprintf("The timestamps of %.0f %% of the pictures go back, as they do with B-frames: %s.", part(back), effect)
	case u.now.reordered > 0:
		v.text = fmt.Sprintf("The stream has B-frames: it says that pictures are shown up to %d later than they are sent, but %s.", u.now.reordered, effect)
	case pictures >= enough:
		v.wrong = false
	default:
		return
	}
	judge(v)
}

// checkSets looks for key frames that nobody can decode. Those whose parameter
// sets came once are none of them: the track puts them in.
func (u *pupil) checkSets(judge func(verdict)) {
	now := setsOf(u.track)
	keyFrames, missing := now.keyFrames-u.sets.keyFrames, now.missing-u.sets.missing
	if keyFrames == 0 {
		return
	}
	u.sets = now
	format := u.track.Spec().Format
	names := "SPS and PPS"
	if format.Name == codec.H265 {
		names = "VPS, SPS and PPS"
	}
	judge(verdict{
		code: ParameterSetsMissing, track: u.name, wrong: missing > 0, remedies: withSets(format.Name),
		text: fmt.Sprintf("%d of %d key frames came without %s, and none came before: nobody can decode the picture.",
			now.missing-u.first.missing, now.keyFrames-u.first.keyFrames, names),
	})
}

// checkChannels looks for sound in mono where stereo was declared.
func (u *pupil) checkChannels(judge func(verdict)) {
	format := u.track.Spec().Format
	params := codec.Params(format.Fmtp)
	if format.Name != codec.Opus || params["sprop-stereo"] != "1" {
		return
	}
	const (
		enough = 10   // packets
		most   = 0.95 // of them in mono: an encoder may save a few
	)
	mono, stereo := u.now.mono-u.before.mono, u.now.stereo-u.before.stereo
	if mono+stereo < enough {
		return
	}
	part := float64(mono) / float64(mono+stereo)
	judge(verdict{
		code: Mono, track: u.name, wrong: part > most, remedies: inStereo(),
		text: fmt.Sprintf("The publisher declared stereo, but %.0f %% of the sound is sent in mono.", 100*part),
	})
}
