package api

import (
	"log/slog"
	"net/http"
	"time"
)

const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	// headerBytes is what the fields of a request may come to. net/http adds 4 KiB of its own before it answers 431.
	headerBytes = 16 << 10
)

// NewServer returns an HTTP server for h with the limits that hold for every connection. It starts nothing; the caller
// serves and shuts down. What goes wrong on a connection before a request is there goes to logger as a debug line:
// it is the client's doing.
func NewServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
