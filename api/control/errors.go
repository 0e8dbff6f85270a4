package control

import "errors"

var (
	// ErrNoStream is returned for a stream that nobody feeds or watches and that has no source, or none of ours where that is
	// asked for.
	ErrNoStream = errors.New("no such stream")
	// ErrNoSession is returned for a session that is not there, or has ended.
	ErrNoSession = errors.New("no such session")
)

// A PublishedError is returned for a stream that a publisher's session feeds, where a source of ours is asked for.
type PublishedError struct{ Session string } // id

// Error is for the log.
func (e *PublishedError) Error() string { return "session " + e.Session + " publishes the stream" }

// A SourceError is an error of Sources, with what a client may want to know besides.
type SourceError struct {
	Kinds   []string // of source, that there are
	Missing string   // why the kind that was asked for cannot run here, a sentence; "": it can

	cause error
}

// Error is that of Sources.
func (e *SourceError) Error() string { return e.cause.Error() }

// Unwrap returns the error of Sources.
func (e *SourceError) Unwrap() error { return e.cause }
