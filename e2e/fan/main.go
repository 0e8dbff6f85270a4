//go:build e2e && linux

// Command fan measures what fanning one track out to many viewers costs: CPU
// time a delivered packet and memory a viewer. With -floor, the folder of the
// measuring instruments, their fanload makes the viewers, and step 01 of their
// ladder, pion as documented, is measured in turn with Weir. It ends with status
// 1 when a goal is missed.
//
// Everything stays on loopback and ends by itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A plan is what is measured.
type plan struct {
	floor   string // folder of the instruments
	rounds  int
	viewers int
	warm    time.Duration // of media before the first window
	window  time.Duration
	windows int
}

func main() {
	p := plan{warm: 6 * time.Second, window: 2 * time.Second, windows: 3}
	flag.StringVar(&p.floor, "floor", "", "folder of the measuring instruments")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds; medians are reported")
	flag.IntVar(&p.viewers, "viewers", 100, "viewers")
	serving := flag.Bool("serve", false, "be the server that is measured (used by the program itself)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	switch {
	case *serving:
		err = serve(ctx)
	case p.floor == "":
		_, err = fmt.Fprintln(os.Stdout, "fan: no folder of the instruments is given (make bench FLOOR=DIR): its rows are left out")
	case p.rounds < 1 || p.viewers < 1:
		err = errors.New("want at least one round and one viewer")
	default:
		err = p.run(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fan:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}
