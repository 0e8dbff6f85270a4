//go:build e2e

package e2e_test

import "time"

// patience is how long something may take that is waited for: on a machine that is slow or stands still for seconds the
// tests take longer, and prove the same.
const patience = 90 * time.Second
