//go:build soak

package whep_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestBrokenRules breaks one rule after the other in a process of its own and
// wants the check of that rule, and nothing before it, to fail.
func TestBrokenRules(t *testing.T) {
	t.Parallel()
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
	if output, err := checks(t, unbroken, "^TestRules$"); err != nil {
		t.Fatalf("with nothing broken: %v\n%s", err, output)
	}
	for _, id := range slices.Sorted(maps.Keys(breaks())) {
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
