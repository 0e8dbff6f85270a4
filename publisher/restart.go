package publisher

import (
	"errors"
	"fmt"
	"time"
)

// A Restart says how a source that fails is started again. It is bounded: in how often, and in how soon.
type Restart struct {
	// Attempts is how often in a row it is tried; 0: never. After a source has lived for 30 s it is counted anew.
	Attempts int
	// Delay is the time before the first attempt; each later one is twice as long, up to Longest.
	Delay, Longest time.Duration
}

// The bounds of a Restart.
const (
	mostAttempts = 1_000_000
	leastDelay   = 100 * time.Millisecond
	mostDelay    = time.Hour
)

// DefaultRestart is the policy where nothing else is said.
func DefaultRestart() Restart {
	return Restart{Attempts: 4, Delay: time.Second, Longest: 30 * time.Second}
}

// check returns a *ParamError for a policy that cannot be.
func (r Restart) check() error {
	var problems []ParamProblem
	if r.Attempts < 0 || r.Attempts > mostAttempts {
		problems = append(problems, ParamProblem{Name: "restart.attempts", Detail: fmt.Sprintf("must be a whole number from 0 to %d", mostAttempts)})
	}
	if r.Delay < leastDelay || r.Delay > mostDelay {
		problems = append(problems, ParamProblem{Name: "restart.delay", Detail: fmt.Sprintf("must be a time from %v to %v", leastDelay, mostDelay)})
	}
	if r.Longest < r.Delay || r.Longest > mostDelay {
		problems = append(problems, ParamProblem{Name: "restart.longest", Detail: fmt.Sprintf("must be a time from that of delay to %v", mostDelay)})
	}
	if len(problems) > 0 {
		return &ParamError{Problems: problems}
	}
	return nil
}

// after is how long to wait after so many failures in a row.
func (r Restart) after(failures int) time.Duration {
	d := r.Delay
	for range failures - 1 {
		if d >= r.Longest {
			break
		}
		d *= 2
	}
	return min(d, r.Longest)
}

// A RestartChange is what of a Restart is to be otherwise; nil: nothing of it.
type RestartChange struct {
	Attempts       *int
	Delay, Longest *time.Duration
}

// over is the policy with the change.
func (c RestartChange) over(r Restart) Restart {
	if c.Attempts != nil {
		r.Attempts = *c.Attempts
	}
	if c.Delay != nil {
		r.Delay = *c.Delay
	}
	if c.Longest != nil {
		r.Longest = *c.Longest
	}
	return r
}

// DefaultStopAfter is how long after the last viewer a source on demand stops where nothing else is said.
const DefaultStopAfter = 10 * time.Second

// mostStopAfter is the longest that can be said.
const mostStopAfter = 24 * time.Hour

// A policy is when a source runs, and when again.
type policy struct {
	onDemand  bool
	stopAfter time.Duration
	restart   Restart
}

// policy is that of the kind's sources where nothing is said.
func (k *checkedKind) policy() policy {
	p := policy{stopAfter: DefaultStopAfter, restart: DefaultRestart()}
	if k.Restart != nil {
		p.restart = *k.Restart
	}
	return p
}

// changed is the policy with what is given; nil keeps.
func (p policy) changed(onDemand *bool, stopAfter *time.Duration, restart RestartChange) (policy, error) {
	if onDemand != nil {
		p.onDemand = *onDemand
	}
	if stopAfter != nil {
		p.stopAfter = *stopAfter
	}
	p.restart = restart.over(p.restart)
	if p.stopAfter < 0 || p.stopAfter > mostStopAfter {
		return p, &ParamError{Problems: []ParamProblem{{Name: "stop_after", Detail: fmt.Sprintf("must be a time from 0 to %v", mostStopAfter)}}}
	}
	return p, p.restart.check()
}

// The reasons under which failures are counted, besides those that an error says itself.
const (
	failureOfSource  = "failed"            // the source ended with an error
	failureToMake    = "not_made"          // it could not be made again
	failureToPublish = "not_published"     // somebody else publishes into the stream
	failureTakenOver = "publication_ended" // its publication was ended by others
	failureOther     = "other"             // there are too many reasons
)

// mostReasons is under how many reasons failures are counted.
const mostReasons = 16

// A Reasoner is an error of a source that says in one word, a constant, why it failed: "unplugged".
type Reasoner interface {
	error
	FailureReason() string
}

// reasonOf is the word under which a failure is counted.
func reasonOf(err error, otherwise string) string {
	if r, ok := errors.AsType[Reasoner](err); ok && r.FailureReason() != "" {
		return r.FailureReason()
	}
	if errors.Is(err, ErrPublicationEnded) {
		return failureTakenOver
	}
	return otherwise
}
