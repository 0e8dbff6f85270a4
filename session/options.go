package session

import (
	"errors"
	"log/slog"
	"time"

	"weir/stream"
)

// Options configure a Manager. Zero values of numbers and durations stand for
// the defaults named beside them.
type Options struct {
	Registry *stream.Registry // where streams are found; required
	Logger   *slog.Logger     // required
	// Event, if set, is told of sessions that begin, connect and end. It must
	// not block.
	Event func(name string, attrs ...slog.Attr)

	// Leniency, if set, is told each leniency that an offer needed which was
	// then served, by the names of negotiate.LenientMozilla and its like. It must not block.
	Leniency func(name string)

	// UDPPort is the one port number of all sessions on every address of this
	// machine; 0 takes any that is free on the first address.
	UDPPort int
	// MDNS lets the players' .local candidates be resolved (RFC 8828); without
	// it they are dropped.
	MDNS bool

	// Policy is what the stream of that name does with who comes at the wrong
	// time; nil is the zero Policy for all.
	Policy func(stream string) Policy

	// Slate has something play in the stream of that name until it is published,
	// and returns the stream. Where hidden is said it is another stream, which
	// nobody publishes. Nil, or an error, is for none.
	Slate func(stream string, hidden bool) (*stream.Stream, error)
	// SlateSpecs are the specs of the tracks that Slate's stream would have, in their
	// order; it has nothing play. Explain asks it. Nil, or an error, is as with Slate.
	SlateSpecs func(stream string, hidden bool) ([]stream.Spec, error)

	HoldTime          time.Duration // for which a request is held at most: 20 s
	MaxHeld           int           // requests at once, in all: 1,000
	MaxHeldPerAddress int           // of these from one remote address, loopback exempt: 20

	MaxSessions     int // in all: 10,000
	MaxPerAddress   int // from one remote address, loopback exempt: 200
	MaxConnecting   int // of these not yet connected: 50
	MaxCandidates   int // of a player, in one ICE generation: 100
	MaxTombstones   int // ended sessions that are remembered: 10,000
	TombstoneExpiry time.Duration

	SetupTimeout    time.Duration // from the offer until connected: 15 s
	Consent         time.Duration // without a sign of the player until the session ends (RFC 7675): 30 s
	Rescan          time.Duration // between two looks at this machine's addresses: 5 s
	CertificateLife time.Duration // of one DTLS certificate; the next is made at half of it: 30 days

	settle time.Duration // after the last change of state, until a session counts as settled: 10 s
}

func (o Options) withDefaults() (Options, error) {
	if o.Registry == nil || o.Logger == nil {
		return o, errors.New("session: Options need a Registry and a Logger")
	}
	if o.Leniency == nil {
		o.Leniency = func(string) {}
	}
	if o.Event == nil {
		o.Event = func(string, ...slog.Attr) {}
	}
	if o.Policy == nil {
		o.Policy = func(string) Policy { return Policy{} }
	}
	if o.Slate == nil {
		o.Slate = func(string, bool) (*stream.Stream, error) { return nil, stream.ErrNotLive }
	}
	if o.SlateSpecs == nil {
		o.SlateSpecs = func(string, bool) ([]stream.Spec, error) { return nil, stream.ErrNotLive }
	}
	for _, n := range []struct {
		value  *int
		preset int
	}{
		{&o.MaxHeld, 1_000},
		{&o.MaxHeldPerAddress, 20},
		{&o.MaxSessions, 10_000},
		{&o.MaxPerAddress, 200},
		{&o.MaxConnecting, 50},
		{&o.MaxCandidates, 100},
		{&o.MaxTombstones, 10_000},
	} {
		if *n.value == 0 {
			*n.value = n.preset
		}
	}
	for _, d := range []struct {
		value  *time.Duration
		preset time.Duration
	}{
		{&o.HoldTime, 20 * time.Second},
		{&o.TombstoneExpiry, time.Minute},
		{&o.SetupTimeout, 15 * time.Second},
		{&o.Consent, 30 * time.Second},
		{&o.Rescan, 5 * time.Second},
		{&o.CertificateLife, 30 * 24 * time.Hour},
		{&o.settle, 10 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.preset
		}
	}
	return o, nil
}
