package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"runtime/debug"
	"strconv"

	"weir/internal/wish"
)

// options are what the command line says.
type options struct {
	addr            string // of HTTP, host:port
	logLevel        slog.Level
	noDefaultStream bool
	mdns            bool
	iceServers      []wish.ICEServer // told to players
	version         bool
}

const usage = `weir serves live streams to WHEP players.

  weir [flags]

  -addr HOST:PORT      where HTTP listens (default 127.0.0.1:8080);
                       media uses the UDP port of the same number
  -log-level LEVEL     debug, info, warn or error (default info)
  -no-default-stream   do not start the stream "test" with the test pattern
  -ice-server URL      tell players of a STUN or TURN server: stun:HOST:PORT or
                       turn:USER:PASS@HOST:PORT; may be given more than once
  -mdns                resolve the .local addresses that browsers hide behind
  -version             print the version and end
  -h                   print this and end

Without flags: open http://127.0.0.1:8080/ and watch.
For other machines to watch: weir -addr :8080
`

// parse reads the arguments. It returns flag.ErrHelp after printing the usage,
// and an error that wraps errUsage for what it cannot take.
func parse(args []string, stdout io.Writer) (options, error) {
	o := options{addr: "127.0.0.1:8080"}
	fs := flag.NewFlagSet("weir", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.StringVar(&o.addr, "addr", o.addr, "")
	fs.TextVar(&o.logLevel, "log-level", o.logLevel, "")
	fs.BoolVar(&o.noDefaultStream, "no-default-stream", false, "")
	fs.BoolVar(&o.mdns, "mdns", false, "")
	var serverErr error
	fs.Func("ice-server", "", func(value string) error {
		server, err := wish.ParseICEServer(value)
		o.iceServers = append(o.iceServers, server)
		serverErr = errors.Join(serverErr, err)
		return nil // Parse would repeat the value, which may hold a credential
	})
	fs.BoolVar(&o.version, "version", false, "")
	err := fs.Parse(args)
	switch {
	case err == flag.ErrHelp: //nolint:errorlint // Parse documents this very value
		if _, err := io.WriteString(stdout, usage); err != nil {
			return o, fmt.Errorf("print usage: %w", err)
		}
		return o, flag.ErrHelp
	case err != nil:
		return o, fmt.Errorf("%w; %w", err, errUsage)
	case fs.NArg() > 0:
		return o, fmt.Errorf("unknown argument %q; %w", fs.Arg(0), errUsage)
	}
	if serverErr != nil {
		return o, fmt.Errorf("-ice-server: %w; %w", serverErr, errUsage)
	}
	if err := checkAddr(o.addr); err != nil {
		return o, fmt.Errorf("-addr %s: %w; %w", o.addr, err, errUsage)
	}
	return o, nil
}

func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("want host:port: %w", err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is no port number", port)
	}
	return nil
}

// versionLine names the program's version, the compiler's and what is built in.
func versionLine() string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	return fmt.Sprintf("weir %s, %s %s/%s, %s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, encoders())
}
