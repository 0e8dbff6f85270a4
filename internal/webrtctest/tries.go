package webrtctest

import (
	"fmt"
	"strings"
	"testing"
)

// Tries measures up to three times, until nothing is wrong: a machine that was
// too busy once proves nothing about the server. Only the last try fails the test.
func Tries(t *testing.T, measure func(t *Attempt)) {
	t.Helper()
	for range 2 {
		a := &Attempt{T: t}
		if measure(a); len(a.wrong) == 0 {
			return
		}
		t.Logf("the machine may be busy, once more: %s", strings.Join(a.wrong, "; "))
	}
	last := &Attempt{T: t}
	measure(last)
	for _, one := range last.wrong {
		t.Error(one)
	}
}

// An Attempt is a test that may be tried again: what is wrong does not fail it
// yet. What ends it ends the test.
type Attempt struct {
	*testing.T
	wrong []string
}

// Errorf notes what is wrong.
func (a *Attempt) Errorf(format string, args ...any) {
	a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
}

// Error notes what is wrong.
func (a *Attempt) Error(args ...any) { a.wrong = append(a.wrong, fmt.Sprint(args...)) }
