//go:build soak

package whip_test

import (
	"testing"

	"weir/internal/wishtest"
)

// TestBrokenRules breaks one rule after the other and wants its check to fail.
func TestBrokenRules(t *testing.T) {
	t.Parallel()
	wishtest.RunBroken(t, breaks())
}
