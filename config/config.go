package config

import (
	_ "embed"
	"log/slog"
	"time"
)

// Config holds every setting. The zero value is not usable; see Default.
type Config struct {
	HTTP    HTTP
	Log     Log
	ICE     ICE
	Access  Access
	Publish Publish
	Streams Streams
	FFmpeg  FFmpeg
	Media   Media
	State   State
	// DefaultStream starts the stream "test" with the test pattern.
	DefaultStream bool
	Relay         Relay
	Limits        Limits
	Events        Events
}

// HTTP is where requests are taken.
type HTTP struct {
	Addr  string   // host:port
	Hosts []string // names by which a loopback listener is called besides localhost
}

// Log is how much is logged.
type Log struct{ Level slog.Level }

// ICE is what helps players to connect.
type ICE struct {
	Servers []string // told to players, as wish.ParseICEServer reads them; may hold passwords
	MDNS    bool     // resolve the .local candidates of browsers
}

// Access is who may do what.
type Access struct{ Tokens []Token }

// Publish is how streams are published.
type Publish struct {
	// Streams say into which stream the address /whip publishes, by the name of
	// the token: "NAME=STREAM".
	Streams []string
}

// Streams are how streams deal with who comes at the wrong time: settings of the
// form "NAME=POLICY", where the name "*" is for all streams that have none of
// their own.
type Streams struct {
	WaitingRoom []string      // for players that come before the publisher: refuse (the default), hold, slate
	TakeOver    []string      // for publishers that come while another publishes: take_over (the default), refuse, hold
	HoldTime    time.Duration // for which a request is held at most

	Declared []Declared // that run from the start on
}

// FFmpeg is what sources that FFmpeg opens may do.
type FFmpeg struct {
	Path      string   // of the program; "": it is looked for
	Inputs    []string // what may be opened, as exec.ParseAllowed reads it
	Processes int      // at once
	CAFile    string   // certificates in PEM that servers of https and rtmps may have; "": the system's
}

// Media is the folder of media files.
type Media struct {
	Dir      string // "" for none
	Quota    Size   // that its files may come to for another to be uploaded
	KeepFree Size   // of its disk, by uploads
}

// A Token is one that the configuration fixes.
type Token struct {
	Name   string
	Secret Secret
	Rights []string // of publish, play, administer
}

// A Secret is text that is never printed by fmt, log/slog or encoding/json.
type Secret string

const masked = "***"

// String hides the secret.
func (Secret) String() string { return masked }

// GoString hides the secret.
func (Secret) GoString() string { return masked }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// State is what is kept from one start to the next.
type State struct {
	Dir string // "" only where the environment names no place either
}

// Relay is which other servers streams are played from and published on.
type Relay struct {
	Hosts  []string // as relay.ParseHost reads them
	CAFile string   // certificates in PEM, trusted besides the system's
}

// Limits are what one server takes.
type Limits struct {
	Sessions             int  // at once
	SessionsPerAddress   int  // of these from one remote address
	ConnectingPerAddress int  // of these not yet connected
	RequestsPerAddress   int  // POST, PATCH and DELETE of WHIP and WHEP that one remote address may send a second, in the long run
	BurstPerAddress      int  // the same, at once
	Candidates           int  // of one player in one ICE generation
	Offer                Size // of an SDP offer
	Fragment             Size // of an ICE fragment in a PATCH
	EventSubscribers     int  // at once
	Held                 int  // requests that wait for a stream, at once
	HeldPerAddress       int  // of these from one remote address
	Slates               int  // streams that play one, at once
	BitRate              int  // of a publisher, in bits a second: above it the coach says so
}

// Events are what the server remembers of what happened.
type Events struct {
	History int // events that a subscriber can still be told
}

// Default returns the settings that hold where nothing says otherwise.
func Default() Config {
	return Config{
		HTTP:          HTTP{Addr: "127.0.0.1:8080"},
		Streams:       Streams{HoldTime: 20 * time.Second},
		FFmpeg:        FFmpeg{Inputs: []string{"lavfi"}, Processes: 16},
		Media:         Media{Quota: 64 * gibibyte, KeepFree: gibibyte},
		DefaultStream: true,
		Limits: Limits{
			Sessions: 10_000, SessionsPerAddress: 200, ConnectingPerAddress: 50, RequestsPerAddress: 200, BurstPerAddress: 5_000, Candidates: 100,
			Offer: 128 * kibibyte, Fragment: 64 * kibibyte, EventSubscribers: 2_000,
			Held: 1_000, HeldPerAddress: 20, Slates: 100, BitRate: 20_000_000,
		},
		Events: Events{History: 1024},
	}
}

//go:embed weir.yaml
var sample string

// Sample is a file with every setting at its default, and what it does.
func Sample() string { return sample }
