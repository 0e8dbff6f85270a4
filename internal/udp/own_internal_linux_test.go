package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// A write to a network that is slower than what is written fails rather than waits.
func TestWriteDoesNotWait(t *testing.T) {
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its network
		failed <- fill(t.Context())
	}()
	switch err := <-failed; {
	case errors.Is(err, errNoNetwork):
		t.Skip(err)
	case !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.ENOBUFS):
		t.Error(err)
	}
}

var errNoNetwork = errors.New("no slow network")

// fill writes into a slow network until a write fails, and says why it did.
func fill(ctx context.Context) error {
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return fmt.Errorf("%w: %w", errNoNetwork, err)
	}
	for _, command := range [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "10mbit", "burst", "5k", "limit", "100m"},
	} {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %w, %s", errNoNetwork, err, out)
		}
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	own, err := NewOwn(conn, &Drops{})
	if err != nil {
		return err
	}
	defer func() { _ = own.Close() }()
	const packets = 20_000 // four times what the largest buffer holds
	for range packets {
		if _, err := own.WriteTo(make([]byte, 1200), own.LocalAddr()); err != nil {
			check := append(message(request, transaction{1}, "peer:own"), make([]byte, 1200)...)
			if _, lost := own.WriteTo(check, own.LocalAddr()); lost != nil {
				return fmt.Errorf("a request: %s", lost.Error())
			}
			return err
		}
	}
	return errors.New("no write has failed")
}
