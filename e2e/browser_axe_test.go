//go:build e2e

package e2e_test

import (
	"os"
	"strings"
	"testing"
)

// TestAccessible runs axe-core on every page, in its states, in light and dark colours and on a narrow screen.
func TestAccessible(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	program := build(t, "1")
	open := start(t, program, "127.0.0.1:0", withAdmin, small(t))
	closed := start(t, program, "127.0.0.1:0", withAdmin, withPlay, small(t))
	looks := map[string][2]string{
		"dark": {"own", "dark"}, "narrow": {"own", "narrow"},
	}
	if os.Getenv("E2E_SOAK") != "" { // the bundles of others seldom change
		looks["light"], looks["docs light"] = [2]string{"own", "light"}, [2]string{"docs", "light"}
		looks["docs dark"], looks["docs narrow"] = [2]string{"docs", "dark"}, [2]string{"docs", "narrow"}
	}
	for name, look := range looks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got struct {
				Looked  int
				Serious []struct {
					Page, ID, Impact, Help string
					Nodes                  []string
				}
				Slight, Wide []string
			}
			run(t, "axe.mjs", look[0], look[1], open.base, adminToken, closed.base).report(t, &got)
			if want := map[string]int{"own": 18, "docs": 2}[look[0]]; got.Looked != want {
				t.Errorf("%d pages were looked at, not %d", got.Looked, want)
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
		})
	}
}
