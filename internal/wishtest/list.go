package wishtest

import (
	"bufio"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Broken is the id of the rule that the environment says is to be broken, ""
// for none: see RunBroken.
func Broken() string { return os.Getenv("WEIR_BREAK") }

// Run proves the rules one by one, side by side.
func Run(t *testing.T, s *Server, all map[string]Check) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(all)) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			all[id](t, s)
		})
	}
}

// A rule is a line of the list of rules.
type rule struct{ level, state string }

const proved = "proved"

// readRules reads the list: on each line an id, a level, and "proved" or why it
// is not.
func readRules(t *testing.T, path string) map[string]rule {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	rules := map[string]rule{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		if len(fields) != 3 {
			t.Fatalf("not a rule: %q", line)
		}
		if _, twice := rules[fields[0]]; twice {
			t.Errorf("%s stands there twice", fields[0])
		}
		rules[fields[0]] = rule{level: fields[1], state: fields[2]}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rules
}

// CheckList holds the list of rules against the checks: it says of each that it
// is proved, and then there is one of that name, or why not; and what breaks
// each MUST stands beside it, so that it is known that its check can fail.
// Others are ids, or their beginnings, of what is proved elsewhere.
func CheckList(t *testing.T, path string, all map[string]Check, breaks map[string]Breaker, others ...string) {
	t.Helper()
	rules := readRules(t, path)
	elsewhere := func(id string) bool {
		return slices.ContainsFunc(others, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
	}
	for id, r := range rules {
		_, checked := all[id]
		_, broken := breaks[id]
		switch {
		case !slices.Contains([]string{"MUST", "SHOULD", "MAY", "QUIRK"}, r.level):
			t.Errorf("%s: the level %q is unknown", id, r.level)
		case r.state == proved && !checked && !elsewhere(id):
			t.Errorf("%s is called proved, but nothing checks it", id)
		case r.state == proved && r.level == "MUST" && checked && !broken:
			t.Errorf("nothing breaks %s", id)
		case r.state != proved && checked:
			t.Errorf("%s is checked, but the list says: %s", id, r.state)
		case r.state != proved && !strings.HasPrefix(r.state, "not yet: ") && !strings.HasPrefix(r.state, "does not apply: "):
			t.Errorf("%s: neither proved nor a reason: %q", id, r.state)
		}
	}
	for id := range all {
		if _, listed := rules[id]; !listed {
			t.Errorf("%s is checked, but is not in the list", id)
		}
	}
	for id := range breaks {
		if _, known := all[id]; !known {
			t.Errorf("%s is broken, but nothing checks it", id)
		}
	}
	if len(rules) < 100 {
		t.Errorf("the list has only %d rules", len(rules))
	}
}

// RunBroken breaks one rule after the other in a process of its own, this test
// binary with Broken set, and wants the check of that rule in TestRules, and
// nothing before it, to fail.
func RunBroken(t *testing.T, breaks map[string]Breaker) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	checks := func(t *testing.T, broken, rules string) (string, error) {
		t.Helper()
		run := exec.CommandContext(t.Context(), binary, "-test.run="+rules, "-test.v", "-test.short", "-test.timeout=5m")
		run.Env = append(os.Environ(), "WEIR_BREAK="+broken)
		output, err := run.CombinedOutput()
		return string(output), err
	}
	if output, err := checks(t, Unbroken, "^TestRules$"); err != nil {
		t.Fatalf("with nothing broken: %v\n%s", err, output)
	}
	for _, id := range slices.Sorted(maps.Keys(breaks)) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			output, err := checks(t, id, "^TestRules$/^"+id+"$")
			exit, failed := errors.AsType[*exec.ExitError](err)
			switch {
			case err != nil && !failed:
				t.Fatalf("run the check: %v", err)
			case err == nil:
				t.Errorf("the rule is broken and its check has not noticed:\n%s", output)
			case exit.ExitCode() != 1 || !strings.Contains(output, "--- FAIL: TestRules/"+id):
				t.Errorf("the check did not fail but broke:\n%s", output)
			}
		})
	}
}
