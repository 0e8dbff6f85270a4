package main

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"weir/auth"
	"weir/config"
)

// runServer runs a whole server in this process until the test ends; it is ready.
func runServer(t *testing.T, c config.Config, tokens auth.Options) *server {
	t.Helper()
	access, err := auth.Open(tokens)
	if err != nil {
		t.Fatal(err)
	}
	s, err := wire(t.Context(), &config.Loaded{Config: c}, access, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, "", io.Discard) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	<-s.sessions.Ready()
	return s
}
