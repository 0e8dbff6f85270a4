//go:build e2e && linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"weir/publisher"
	"weir/session"
	"weir/stream"
	"weir/whep"
)

const streamName = "fan"

// usage is what the server's process has used so far.
type usage struct {
	Viewers    int
	CPU        time.Duration // user and system
	RSS        int           // bytes
	Goroutines int
	Mallocs    uint64
	Delivered  uint64 // packets that the sessions of now have sent
}

// A window is what one run of media cost.
type window struct {
	Packets int // written to the track
	Viewers int
	CPU     time.Duration
	Mallocs uint64
	Late    time.Duration
	// Delivered is how many packets went to viewers meanwhile.
	Delivered uint64
}

type server struct {
	stream   *stream.Stream
	sessions *session.Manager

	mu sync.Mutex
	// guarded by mu
	feed *feed
}

// serve runs the server until ctx ends: WHEP at /whep/fan, GET /usage, and
// GET /run?span=2s&burst=10, which publishes for a while. It prints its address.
func serve(ctx context.Context) error {
	logger := slog.New(slog.DiscardHandler)
	// Who joins gets a key frame alone: a hundred replays at once would last beyond the warm-up.
	registry := stream.New(stream.Options{NewFlusher: session.NewFlusher, Logger: logger, Join: stream.JoinOptions{MaxFrames: 1}})
	publication, err := registry.Publish(streamName, "fan", []stream.Spec{{Format: publisher.H264()}})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	sessions, err := session.New(session.Options{Registry: registry, Logger: logger})
	if err != nil {
		return fmt.Errorf("set up sessions: %w", err)
	}
	s := &server{stream: publication.Stream(), sessions: sessions, feed: &feed{publication: publication, track: publication.Tracks()[0]}}
	mux := http.NewServeMux()
	mux.Handle("/whep/{stream}", whep.New(whep.Options{Sessions: sessions}))
	mux.HandleFunc("GET /usage", s.usage)
	mux.HandleFunc("GET /run", s.run)
	face := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	var parts sync.WaitGroup
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	failed := make(chan error, 3)
	parts.Go(func() { failed <- registry.Run(work) })
	parts.Go(func() { failed <- sessions.Run(work) })
	parts.Go(func() { failed <- face.Serve(listener) })
	<-sessions.Ready()
	if _, err = fmt.Fprintln(os.Stdout, listener.Addr()); err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	err = errors.Join(err, face.Close())
	stopWork()
	parts.Wait()
	return err
}

func (s *server) usage(w http.ResponseWriter, _ *http.Request) {
	debug.FreeOSMemory() // after a collection: what is left is in use
	u, err := s.now()
	u.Delivered = s.delivered()
	reply(w, u, err)
}

// delivered is how many packets the sessions of now have sent.
func (s *server) delivered() (n uint64) {
	for _, one := range s.sessions.Sessions() {
		for _, m := range one.Stats().Media {
			n += m.Sent.Delivered
		}
	}
	return n
}

func (s *server) run(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	span, err := time.ParseDuration(r.FormValue("span"))
	if err != nil {
		reply(w, nil, err)
		return
	}
	burst, err := strconv.Atoi(r.FormValue("burst"))
	if err != nil {
		reply(w, nil, err)
		return
	}
	delivered := s.delivered()
	before, err := s.now()
	if err != nil {
		reply(w, nil, err)
		return
	}
	packets, late, err := s.feed.run(span, burst)
	after, usageErr := s.now()
	reply(w, window{
		Packets: packets, Viewers: after.Viewers, Late: late,
		CPU: after.CPU - before.CPU, Mallocs: after.Mallocs - before.Mallocs, Delivered: s.delivered() - delivered,
	}, errors.Join(err, usageErr))
}

func reply(w http.ResponseWriter, v any, err error) {
	if err == nil {
		err = json.NewEncoder(w).Encode(v)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// now is what has been used until now.
func (s *server) now() (usage, error) {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return usage{}, fmt.Errorf("read the CPU time: %w", err)
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return usage{}, fmt.Errorf("read the memory: %w", err)
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return usage{}, fmt.Errorf("read the memory: unexpected %q", statm)
	}
	pages, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return usage{}, fmt.Errorf("read the memory: %w", err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{
		Viewers: s.stream.Viewers(), CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		RSS: pages * os.Getpagesize(), Goroutines: runtime.NumGoroutine(), Mallocs: m.Mallocs,
	}, nil
}
