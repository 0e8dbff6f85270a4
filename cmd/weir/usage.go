package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

const usageServe = `weir serves live streams to WHEP players.

  weir [flags]
  weir config check|show|default
  weir token list|add|rotate|revoke

  -addr HOST:PORT      where HTTP listens (default 127.0.0.1:8080);
                       media uses the UDP port of the same number
  -config FILE         read this configuration; weir config default prints one
  -log-level LEVEL     debug, info, warn or error (default info)
  -no-default-stream   do not start the stream "test" with the test pattern
  -ice-server URL      tell players of a STUN or TURN server: stun:HOST:PORT or
                       turn:USER:PASS@HOST:PORT; may be given more than once
  -mdns                resolve the .local addresses that browsers hide behind
  -version             print the version and end
  -h                   print this and end; weir config -h and weir token -h

Without flags: open the address that is printed, and watch.
For other machines to watch: weir -addr :8080

The exit code is 0 after SIGTERM or an interrupt, 1 after a failure, which one
line tells, and 2 where the command line is wrong.
`

const usageConfig = `weir config check     say "ok", or all mistakes with their places; exit code 1
weir config show      print the settings in force and where each comes from
weir config default   print a file with every setting, at its default

  -config FILE   the file to read; else the one that WEIR_CONFIG names

check and show take the flags of weir too. A setting such as http.addr stands in
the file, or in WEIR_HTTP_ADDR, which goes over the file; flags go over both.
`

const usageToken = `weir token list [-show]         names and rights; with -show the tokens too
weir token add NAME RIGHT…      make a token and print it: the only time that
                                it is printed unasked
weir token rotate NAME          make a new one under the name; the old one ends,
                                and with it what is played and published by it
weir token revoke NAME          end it, in the same way

  -config FILE   the configuration, whose state.dir holds the tokens

Rights are publish, play and administer, which includes both. A running server
follows within two seconds. As long as a token can play and not administer,
nobody plays without one: the first ends who does. WEIR_STATE_DIR says where the
tokens are kept.
`

// usage is the help for what was asked.
func (r *request) usage() string {
	switch r.command {
	case commandConfig:
		return usageConfig
	case commandToken:
		return usageToken
	default:
		return usageServe
	}
}

// version is the program's, "devel" for a build outside a release.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// versionLine names the program's version, the compiler's and what is built in.
func versionLine() string {
	return fmt.Sprintf("weir %s, %s %s/%s, %s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, encoderLine())
}
