package main

import (
	"errors"
	"fmt"
	"io"

	"weir/config"
)

// printSample is "weir config default".
func printSample(r request, stdout io.Writer) error {
	if err := errors.Join(r.problems...); err != nil {
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	return say(stdout, config.Sample())
}

// reportConfig is "weir config check" and "weir config show", of a configuration
// without mistakes.
func reportConfig(r request, loaded *config.Loaded, stdout io.Writer) error {
	if r.verb == "check" {
		return say(stdout, "ok\n")
	}
	return say(stdout, loaded.Show())
}
