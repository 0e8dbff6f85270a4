package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type policyView struct {
	Live   bool
	Source struct {
		State, Reason string
		OnDemand      bool `json:"on_demand"`
		StopAfter     int  `json:"stop_after_ms"`
		Restart       struct {
			Attempts int
			Delay    int `json:"delay_ms"`
			Longest  int `json:"longest_ms"`
		}
		Runs     int
		Failures map[string]int
	}
}

// When a source runs is said at its start, changed by what a PATCH names, shown, and refused by name.
func TestPolicy(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	made := w.administer(t, "POST", "/api/v1/streams/lobby", `{"source":"tone","on_demand":true,"restart":{"attempts":9,"longest_ms":60000}}`)
	v := decode[policyView](t, made, http.StatusCreated)
	if !v.Live || v.Source.State != "idle" || v.Source.Reason != "unwatched" || !v.Source.OnDemand || v.Source.StopAfter != 10_000 || v.Source.Runs != 0 || v.Source.Failures == nil {
		t.Errorf("made: %s", made.Body)
	}
	if r := v.Source.Restart; r.Attempts != 9 || r.Delay != 1000 || r.Longest != 60_000 {
		t.Errorf("made: %s", made.Body)
	}
	changed := w.administer(t, "PATCH", "/api/v1/streams/lobby", `{"stop_after_ms":0,"restart":{"attempts":0}}`)
	v = decode[policyView](t, changed, http.StatusOK)
	if r := v.Source.Restart; v.Source.StopAfter != 0 || !v.Source.OnDemand || r.Attempts != 0 || r.Longest != 60_000 {
		t.Errorf("changed: %s", changed.Body)
	}
	v = decode[policyView](t, w.administer(t, "PATCH", "/api/v1/streams/lobby", `{"on_demand":false}`), http.StatusOK)
	if v.Source.State != "live" || v.Source.OnDemand {
		t.Errorf("no longer on demand: %+v", v)
	}
	for body, want := range map[string][]string{
		`{"stop_after_ms":-1}`:                           {"stop_after_ms"},
		`{"stop_after_ms":86400001}`:                     {"stop_after_ms"},
		`{"stop_after_ms":9223372036854775807}`:          {"stop_after_ms"},
		`{"stop_after_ms":1.5}`:                          {"stop_after_ms"},
		`{"on_demand":1}`:                                {"on_demand"},
		`{"restart":7}`:                                  {"restart"},
		`{"restart":{"attempts":"x","delay_ms":null}}`:   {"restart.attempts", "restart.delay_ms"},
		`{"restart":{"attempts":-1,"delay_ms":1}}`:       {"restart.attempts", "restart.delay_ms"},
		`{"restart":{"delay_ms":5000,"longest_ms":100}}`: {"restart.longest_ms"},
		`{"restart":{"often":1}}`:                        {"restart.often"},
	} {
		a := w.administer(t, "PATCH", "/api/v1/streams/lobby", body)
		var names []string
		for _, p := range a.problem(t).Problems {
			names = append(names, p.Name)
		}
		if diff := cmp.Diff(want, names); a.StatusCode != http.StatusUnprocessableEntity || diff != "" {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.Body)
		}
	}
}
