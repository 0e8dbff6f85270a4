//go:build e2e && linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A child is this program as a server.
type child struct {
	base    string // of its URLs
	command *exec.Cmd
}

func start(ctx context.Context) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	c := &child{command: exec.CommandContext(ctx, self, "-serve")} //nolint:gosec // this very program
	c.command.Stderr = os.Stderr
	stdout, err := c.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	c.base = (&url.URL{Scheme: "http", Host: strings.TrimSpace(address)}).String()
	return c, nil
}

// publish runs media for a while, in bursts of so many packets.
func (c *child) publish(ctx context.Context, span time.Duration, burst int) (window, error) {
	return get[window](ctx, fmt.Sprintf("%s/run?span=%s&burst=%d", c.base, span, burst))
}

// stop ends the server and waits for that.
func (c *child) stop() error {
	if err := c.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("end the server: %w", err)
	}
	if err := c.command.Wait(); err != nil {
		return fmt.Errorf("end the server: %w", err)
	}
	return nil
}

// get asks the server for a JSON value.
func get[T any](ctx context.Context, address string) (T, error) {
	var v T
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return v, fmt.Errorf("ask the server: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return v, fmt.Errorf("ask the server: %w", err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return v, fmt.Errorf("ask the server: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return v, fmt.Errorf("the server says %s: %s", response.Status, body)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("read the server's answer: %w", err)
	}
	return v, nil
}
