// Command weir serves live streams to WHEP players: a test pattern, from the
// first start.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// errUsage marks what the caller got wrong on the command line: exit code 2.
var errUsage = errors.New("see weir -h")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
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

func complain(err error) {
	_, _ = fmt.Fprintln(os.Stderr, "weir:", err) // nowhere else to say it
}

// run is the whole program: it reads the arguments, serves until ctx ends, and
// returns when everything it started has ended. It writes the addresses to open
// to stdout and the log to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.version {
		_, err := fmt.Fprintln(stdout, versionLine())
		return err
	}
	return serve(ctx, o, stdout, stderr)
}
