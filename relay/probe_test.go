package relay_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"weir/relay"
)

// Only what says that the session is gone ends it, and only what says that the
// server takes no such question ends the asking.
func TestProbe(t *testing.T) {
	t.Parallel()
	status := func(status int) error { return &relay.Refused{Status: status} }
	down := relay.ErrDown
	for name, c := range map[string]struct {
		pulls   bool
		answers []error // to one question after the other
		asked   int     // how many there are
		ends    bool
		barred  bool
	}{
		"takes it":              {true, []error{nil, nil, nil}, 3, false, false},
		"forgets":               {true, []error{nil, status(404), nil}, 2, true, false},
		"gone":                  {false, []error{status(410), nil}, 1, true, false},
		"refuses once":          {false, []error{down, nil, nil}, 3, false, false},
		"refuses now and then":  {false, []error{down, down, nil, down, down, nil}, 6, false, false},
		"refuses for good":      {false, []error{down, down, down, nil}, 3, true, false},
		"refuses a pull":        {true, []error{down, down, down, nil}, 3, true, false},
		"wants no PATCH":        {true, []error{status(405), nil}, 1, false, true},
		"has no PATCH":          {false, []error{status(501), nil}, 1, false, true},
		"wants another type":    {true, []error{status(415), nil}, 1, false, true},
		"cannot read it":        {true, []error{status(400), nil}, 1, false, true},
		"cannot do it":          {true, []error{status(422), nil}, 1, false, true},
		"wants fewer":           {true, []error{status(429), status(408), status(425), nil}, 4, false, false},
		"wants another version": {true, []error{status(412), nil}, 2, false, false},
		"wants another token":   {true, []error{status(401), status(403), nil}, 3, false, false},
		"has trouble":           {true, []error{status(500), status(502), nil}, 3, false, false},
		"is slow":               {true, []error{errors.New("slow"), nil}, 2, false, false},
	} {
		asked, barred, err := relay.Probe(c.pulls, c.answers...)
		if len(asked) != c.asked || barred != c.barred || (err != nil) != c.ends {
			t.Errorf("%s: asked %v, barred %t, %v", name, asked, barred, err)
		}
	}
}

// A server that is pushed to reports every few seconds: it is not asked between
// two reports, and given some time to listen again.
func TestProbeTimes(t *testing.T) {
	t.Parallel()
	const look = 250 * time.Millisecond // what is due is seen to so often
	for name, c := range map[string]struct {
		pulls   bool
		answers []error
		wants   []time.Duration // since the newest sign
	}{
		"pull":        {true, []error{nil, nil, nil}, []time.Duration{1 * time.Second, 3 * time.Second, 7 * time.Second}},
		"push":        {false, []error{nil, nil}, []time.Duration{6 * time.Second, 16 * time.Second}},
		"refuses":     {false, []error{relay.ErrDown, relay.ErrDown, relay.ErrDown}, []time.Duration{6 * time.Second, 7 * time.Second, 8 * time.Second}},
		"a pull":      {true, []error{relay.ErrDown, relay.ErrDown, relay.ErrDown}, []time.Duration{time.Second, 1250 * time.Millisecond, 1500 * time.Millisecond}},
		"Retry-After": {true, []error{&relay.Refused{Status: http.StatusTooManyRequests, After: time.Minute}, nil}, []time.Duration{time.Second, time.Minute + time.Second}},
	} {
		asked, _, _ := relay.Probe(c.pulls, c.answers...)
		if !slices.EqualFunc(asked, c.wants, func(a, b time.Duration) bool { return a >= b && a <= b+4*look }) {
			t.Errorf("%s: asked after %v, want %v", name, asked, c.wants)
		}
	}
}

// Who sends thirty pictures a second is given up after one second without, who sends one a second is not.
func TestPatience(t *testing.T) {
	for longest, want := range map[time.Duration]time.Duration{
		0: time.Second, 250 * time.Millisecond: time.Second, 1250 * time.Millisecond: 5 * time.Second, time.Minute: 10 * time.Second,
	} {
		if got := relay.Patience(longest); got != want {
			t.Errorf("%v at the longest: %v, want %v", longest, got, want)
		}
	}
}
