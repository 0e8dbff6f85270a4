// Command weir serves live streams to WHEP players: a test pattern, from the
// first start.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"weir/config"
)

// errUsage marks what the caller got wrong on the command line: exit code 2.
var errUsage = errors.New("see weir -h")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		complain(err)
		os.Exit(2)
	default:
		complain(err)
		os.Exit(1)
	}
}

// complain writes the error, one line for each mistake; those of a configuration
// begin with their place.
func complain(err error) {
	name := "weir: "
	if _, ok := errors.AsType[config.Mistakes](err); ok {
		name = ""
	}
	for line := range strings.Lines(err.Error()) {
		_, _ = fmt.Fprint(os.Stderr, name, strings.TrimSuffix(line, "\n"), "\n") // nowhere else to say it
	}
}

// run is the whole program: it reads the arguments, does what they ask, and
// returns when everything it started has ended. To serve, which goes on until
// ctx ends, it writes the addresses to open to stdout and the log to stderr.
func run(ctx context.Context, args, env []string, stdout, stderr io.Writer) error {
	r := parse(args)
	switch {
	case r.help:
		return say(stdout, r.usage())
	case r.version:
		return say(stdout, versionLine()+"\n")
	case r.command == commandConfig && r.verb == "default":
		return printSample(r, stdout)
	}
	loaded, err := settings(r, env)
	if r.command == commandConfig && r.verb == "check" && !errors.Is(err, errUsage) {
		err = checkConfig(ctx, loaded, err)
	}
	if err != nil {
		return err
	}
	switch r.command {
	case commandConfig:
		return reportConfig(r, loaded, stdout)
	case commandToken:
		return changeTokens(r, loaded, stdout, stderr)
	default:
		return serve(ctx, loaded, stdout, stderr)
	}
}

func say(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
