package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// portTries is how often another port is tried where any will do: HTTP's number
// must be free for UDP too.
const portTries = 20

// listen takes the TCP port of HTTP. Where any will do it takes one whose
// number is free for UDP too.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	for try := 1; ; try++ {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, listenError(addr, err)
		}
		if !strings.HasSuffix(addr, ":0") || try == portTries {
			return l, nil
		}
		udp, err := net.ListenUDP("udp", &net.UDPAddr{Port: l.Addr().(*net.TCPAddr).Port}) //nolint:errcheck // a TCP listener's
		if err == nil {
			return l, udp.Close()
		}
		_ = l.Close() // another one is tried
	}
}

// listenError says in plain words why a port cannot be had.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program; choose another with -addr", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("no permission to listen on %s; choose a port from 1024 up with -addr", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine has no address %s; see -addr", addr)
	default:
		return fmt.Errorf("listen: %w", err)
	}
}
