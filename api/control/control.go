package control

import (
	"net/http"
	"net/netip"

	"weir/publisher"
)

// maxOffer is the longest offer in bytes, where nothing else is said.
const maxOffer = 128 << 10

// Options are what New needs. All are required but those that say what their zero value means.
type Options struct {
	Sources  Sources
	Streams  Streams
	Sessions Sessions
	// Pushes publish streams on other servers.
	Pushes Pushes
	// Library are the media files; nil has no folder for any.
	Library publisher.Library
	// Coach says what publishers should change; nil finds nothing.
	Coach Coach
	// Version is what the server says that it is.
	Version Version
	// Ready reports whether streams can be played; nil means from the first request on.
	Ready func() bool
	// ValidName tells a stream's possible names from everything else.
	ValidName func(name string) bool
	// MaxOffer is the longest offer that is explained, in bytes; 0 is 128 KiB.
	MaxOffer int64
	// Caller says who sent a request: the bearer token, its name, and the other end of the connection.
	Caller func(*http.Request) (credential, token string, remote netip.AddrPort)
	// About is told which stream and which session, "" for none, a request turns out to be about whose path does not say so.
	About func(r *http.Request, stream, session string)
}

// API are the resources. Its methods may be called from many goroutines at once.
type API struct {
	// static after New
	options Options
}

// New returns the resources; it starts nothing.
func New(o Options) *API {
	if o.MaxOffer <= 0 {
		o.MaxOffer = maxOffer
	}
	if o.Ready == nil {
		o.Ready = func() bool { return true }
	}
	return &API{options: o}
}
