package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/session"
	"weir/stream"
)

// Sessions makes the offers: a *session.Manager.
type Sessions interface {
	Pull(ctx context.Context, p *stream.Publication, o session.OfferOptions) (*session.Offering, error)
	Push(ctx context.Context, st *stream.Stream, o session.OfferOptions) (*session.Offering, error)
}

// Options configure a Relay. Sessions, Registry and Hops are required.
type Options struct {
	Sessions Sessions
	Registry *stream.Registry
	Hops     *Hops
	// Hosts are those that may be spoken to; none: nobody may be.
	Hosts []Host
	// CAFile is a file of certificates in PEM that are trusted besides the
	// system's; "" for none.
	CAFile string
	Logger *slog.Logger // nil discards
	// Event is told what happens; it must not block. Nil tells nobody.
	Event func(name string, attrs ...slog.Attr)
	// MaxPushes is how many pushes there may be at once: 100.
	MaxPushes int

	resolver *net.Resolver // nil: the system's
	// linger is how long a push outlives its stream's publisher, who may come back:
	// 3 s. Tests change it.
	linger time.Duration
	// silence is for how long a pull that is connected may bring nothing until it
	// says so: 5 s. Tests change it.
	silence time.Duration
	// aid is for how long a session may not connect until ICE servers are asked: 3 s.
	// Tests change it.
	aid time.Duration
}

// A Relay speaks to other servers. Its methods may be called from any goroutine.
type Relay struct {
	// static after New
	opts   Options
	client *client

	running        sync.WaitGroup // pushes
	trickleRefused atomic.Uint64  // sessions whose server took no candidates after the offer

	mu sync.Mutex
	// guarded by mu
	pushes map[string]*push // by id
	begun  uint64           // pushes, in all
	closed bool
}

// errNoHosts is why nothing can be relayed where nothing is configured.
var errNoHosts = errors.New("no server is allowed; list those that are under relay.hosts in the configuration")

// New makes a Relay; it starts nothing.
func New(o Options) (*Relay, error) {
	if o.Sessions == nil || o.Registry == nil || o.Hops == nil {
		return nil, errors.New("relay: Options need Sessions, a Registry and Hops")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Event == nil {
		o.Event = func(string, ...slog.Attr) {}
	}
	if o.MaxPushes == 0 {
		o.MaxPushes = 100
	}
	if o.linger == 0 {
		o.linger = 3 * time.Second
	}
	if o.silence == 0 {
		o.silence = longSilence
	}
	if o.aid == 0 {
		o.aid = aidTime
	}
	if o.resolver == nil {
		o.resolver = net.DefaultResolver
	}
	c, err := newClient(o.Hosts, o.CAFile, o.resolver)
	if err != nil {
		return nil, err
	}
	return &Relay{opts: o, client: c, pushes: map[string]*push{}}, nil
}

// Missing says why nothing can be relayed; nil: something can.
func (r *Relay) Missing() error {
	if len(r.opts.Hosts) == 0 {
		return errNoHosts
	}
	return nil
}

// A target is an endpoint of another server.
type target struct {
	url   *url.URL
	token string
}

// parseTarget reads an endpoint's address.
func (r *Relay) parseTarget(text, token string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("%w: it is no address", ErrHost)
	}
	if strings.Contains(text, "#") {
		return target{}, fmt.Errorf("%w: the address must end before its #", ErrHost)
	}
	if err := r.client.hosts.checkURL(u); err != nil {
		return target{}, err
	}
	return target{url: u, token: token}, nil
}

// shown is the address without what may be a secret.
func (t target) shown() string {
	u := *t.url
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.String()
}
