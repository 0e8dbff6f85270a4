//go:build e2e

package e2e_test

import (
	"strings"
	"testing"
)

// TestAccessible runs axe-core on every page, in its states and looks.
func TestAccessible(t *testing.T) {
	needs(t, chromium)
	program := build(t, "1")
	withTokens(t, adminToken, "")
	open := start(t, program, "127.0.0.1:0")
	withTokens(t, adminToken, playToken)
	closed := start(t, program, "127.0.0.1:0")
	var got struct {
		Looked  int
		Serious []struct {
			Page, Look, ID, Impact, Help string
			Nodes                        []string
		}
		Slight, Wide []string
	}
	run(t, "axe.mjs", open.base, adminToken, closed.base).report(t, &got)
	if got.Looked < 30 {
		t.Errorf("only %d pages were looked at", got.Looked)
	}
	for _, found := range got.Serious {
		t.Errorf("%s, %s: %s (%s): %s\n\t%s", found.Page, found.Look, found.ID, found.Impact, found.Help, strings.Join(found.Nodes, "\n\t"))
	}
	for _, page := range got.Wide {
		t.Errorf("%s: wider than the window", page)
	}
	if len(got.Slight) > 0 {
		t.Logf("less than serious: %s", strings.Join(got.Slight, "; "))
	}
}
