package publisher

import (
	"encoding/json"
	"time"
)

// State is how it stands with a stream's source.
type State string

// The states of a source.
const (
	StateIdle     State = "idle"     // its media have ended by themselves, or it is on demand and nobody watches
	StateStarting State = "starting" // it is being made, or nothing has come yet of what it fetches from elsewhere
	StateLive     State = "live"     // it runs, and the stream is live
	StateWaiting  State = "waiting"  // it failed and is started again at NextTry, or gets no media and tries by itself where that is zero
	StateFailed   State = "failed"   // it failed too often and is not started again by itself
)

// Status is a snapshot of a stream's source.
type Status struct {
	Stream   string
	Source   string // the kind's name
	State    State
	Reason   string          // why it is idle, waiting or failed: "ended", "unwatched", or an error in words; else ""
	Since    time.Time       // of the state's beginning
	NextTry  time.Time       // of a waiting source; else zero
	Private  bool            // the stream is private
	Params   json.RawMessage // all but the secret ones, defaults filled in
	Restarts int             // after failures, since it was started or changed

	OnDemand  bool          // it runs only while the stream is watched
	StopAfter time.Duration // after the last viewer, where it is on demand
	Restart   Restart       // how it is started again when it fails
	Runs      int           // how often it has begun to run, whatever the reason
	// Failures count, by a word for the reason, how often it has failed: also when it could not be made again.
	Failures map[string]int
	// Renditions are the counters of a source that counts, since its last start; nil while there is none.
	Renditions []Stats
	// Place is where a source is whose media have one: before it runs where it will begin, afterwards where it ended; else nil.
	Place *Place
}

// Start says what source to start.
type Start struct {
	Source  string          // the kind's name
	Params  json.RawMessage // an object; nil: all defaults
	Private *bool           // nil: as the kind says

	OnDemand  bool           // it is to run only while the stream is watched
	StopAfter *time.Duration // after the last viewer, where it is on demand; nil: DefaultStopAfter
	Restart   RestartChange  // over what the kind says
	// Insist says that a source which cannot be made now, because of what there is and not of what is asked for, is tried
	// again as one that has failed. Start then succeeds.
	Insist bool
}

// Change says what of a source to change.
type Change struct {
	Source  *string         // another kind, whose parameters begin with their defaults; nil: the same
	Params  json.RawMessage // JSON Merge Patch of the parameters (RFC 7396); nil: none is changed
	Private *bool           // nil: as it is, or private where the new kind is

	OnDemand  *bool          // nil: as it is
	StopAfter *time.Duration // nil: as it is
	Restart   RestartChange  // over what holds now
}
