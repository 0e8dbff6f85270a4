package main

import (
	"context"
	"fmt"

	"weir/config"
	"weir/relay"
	"weir/session"
	"weir/stream"
)

// wireRelay makes what speaks to other servers.
func (s *server) wireRelay(c config.Relay) error {
	o := relay.Options{
		Sessions: lateSessions{s}, Registry: s.registry, CAFile: c.CAFile, Logger: s.log, Event: s.events.Add,
	}
	for i, text := range c.Hosts {
		host, err := relay.ParseHost(text)
		if err != nil {
			return fmt.Errorf("relay.hosts[%d]: %w", i, err)
		}
		o.Hosts = append(o.Hosts, host)
	}
	s.hops = relay.NewHops()
	o.Hops = s.hops
	var err error
	if s.relay, err = relay.New(o); err != nil {
		return fmt.Errorf("set up the relay: %w", err)
	}
	return nil
}

// lateSessions are the server's, which are made when the kinds of source are
// there.
type lateSessions struct{ server *server }

func (l lateSessions) Pull(ctx context.Context, p *stream.Publication, o session.OfferOptions) (*session.Offering, error) {
	return l.server.sessions.Pull(ctx, p, o)
}

func (l lateSessions) Push(ctx context.Context, st *stream.Stream, o session.OfferOptions) (*session.Offering, error) {
	return l.server.sessions.Push(ctx, st, o)
}
