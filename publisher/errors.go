package publisher

import "errors"

var (
	// ErrNotSupervised is returned where no source of ours feeds the stream.
	ErrNotSupervised = errors.New("no source feeds this stream")
	// ErrExists is returned where the stream has a source of ours, in whatever state.
	ErrExists = errors.New("stream has a source already")
	// ErrUnknownKind is returned for a kind of source that there is not.
	ErrUnknownKind = errors.New("unknown kind of source")
	// ErrUnavailable is returned for a kind of source that cannot run here, with the reason behind it.
	ErrUnavailable = errors.New("source cannot run here")
	// ErrTooMany is returned where there are as many sources as there may be.
	ErrTooMany = errors.New("too many sources")
	// ErrClosed is returned after the Supervisor has ended.
	ErrClosed = errors.New("supervisor is closed")
)
