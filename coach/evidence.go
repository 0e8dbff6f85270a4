package coach

import (
	"cmp"
	"slices"
	"time"
)

// staleAfter is for how long a finding stands of which nothing is known any more:
// its track is gone, or nothing is sent.
const staleAfter = time.Minute

// A verdict is what a check says at one look.
type verdict struct {
	code     Code
	track    string
	wrong    bool // else it is right
	text     string
	remedies Remedies
}

// record is what is known against a stream. It is a value of the Coach's run.
type record struct {
	all []*evidence // in the order in which they came
}

// evidence is for one finding.
type evidence struct {
	finding Finding
	wrong   int // verdicts since it was last right for long
	right   int // verdicts in a row
	raised  bool
	judged  time.Time // the newest verdict
}

// judge takes a verdict. It returns the finding if that raises or clears it.
func (r *record) judge(v verdict, now time.Time) (f Finding, raised, cleared bool) {
	i := slices.IndexFunc(r.all, func(e *evidence) bool { return e.finding.Code == v.code && e.finding.Track == v.track })
	rule := ruleOf(v.code)
	if !v.wrong {
		if i < 0 {
			return f, false, false
		}
		e := r.all[i]
		e.judged = now
		if e.right++; e.right < rule.clear {
			return f, false, false
		}
		r.all = slices.Delete(r.all, i, i+1)
		return e.finding, false, e.raised
	}
	if i < 0 {
		r.all = append(r.all, &evidence{finding: Finding{Code: v.code, Severity: rule.severity, Since: now, Track: v.track}})
		i = len(r.all) - 1
	}
	e := r.all[i]
	e.judged, e.right = now, 0
	e.wrong++
	e.finding.Text, e.finding.Remedies = v.text, v.remedies
	raised = !e.raised && e.wrong >= rule.raise
	e.raised = e.raised || raised
	return e.finding, raised, false
}

// forget drops what keep says no to, and returns the findings among it.
func (r *record) forget(keep func(*evidence) bool) (cleared []Finding) {
	r.all = slices.DeleteFunc(r.all, func(e *evidence) bool {
		if keep(e) {
			return false
		}
		if e.raised {
			cleared = append(cleared, e.finding)
		}
		return true
	})
	return cleared
}

// findings are those raised, the worst first, then the oldest.
func (r *record) findings() (all []Finding) {
	for _, e := range r.all {
		if e.raised {
			all = append(all, e.finding)
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), a.Since.Compare(b.Since)) // "error" before "warning"
	})
	return all
}
