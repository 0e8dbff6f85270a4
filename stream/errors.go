package stream

import "errors"

var (
	// ErrName is returned for a name that no stream can have.
	ErrName = errors.New("not a stream name")
	// ErrPublished is returned where somebody else feeds the stream.
	ErrPublished = errors.New("stream is published by another")
	// ErrNotLive is returned where nobody feeds the stream.
	ErrNotLive = errors.New("stream is not live")
	// ErrClosed is returned after the registry has ended.
	ErrClosed = errors.New("registry is closed")
)
