//go:build e2e

package e2e_test

import (
	"os"
	"strings"
	"testing"
)

// TestAccessible runs axe-core on every page, in its states, in dark colours; none may be wider than a phone's window. The soak
// does so in light ones and on a narrow screen too, and looks at the bundles of others, which seldom change.
func TestAccessible(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	if os.Getenv("E2E_SOAK") == "" {
		accessible(t, "own", "short", 18)
		return
	}
	for _, look := range []string{"light", "dark", "narrow"} {
		t.Run(look, func(t *testing.T) { accessible(t, "own", look, 18) })
		t.Run("docs "+look, func(t *testing.T) { accessible(t, "docs", look, 2) })
	}
}

func accessible(t *testing.T, whose, look string, looks int) {
	t.Helper()
	program := build(t, "1")
	open := start(t, program, "127.0.0.1:0", withAdmin, small(t))
	closed := start(t, program, "127.0.0.1:0", withAdmin, withPlay, small(t))
	var got struct {
		Looked  int
		Serious []struct {
			Page, ID, Impact, Help string
			Nodes                  []string
		}
		Slight, Wide []string
	}
	run(t, "axe.mjs", whose, look, open.base, adminToken, closed.base).report(t, &got)
	if got.Looked != looks {
		t.Errorf("%d looks were taken, not %d", got.Looked, looks)
	}
	for _, found := range got.Serious {
		t.Errorf("%s: %s (%s): %s\n\t%s", found.Page, found.ID, found.Impact, found.Help, strings.Join(found.Nodes, "\n\t"))
	}
	for _, page := range got.Wide {
		t.Errorf("%s: wider than the window", page)
	}
	if len(got.Slight) > 0 {
		t.Logf("less than serious: %s", strings.Join(got.Slight, "; "))
	}
}
