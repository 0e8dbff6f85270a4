package session

import "weir/stream"

// A Policy says what a stream does with who comes at the wrong time.
type Policy struct {
	Early    Early
	TakeOver TakeOver
}

// Early is for a player that comes before the publisher.
type Early uint8

const (
	// EarlyRefuse is 409 with Retry-After.
	EarlyRefuse Early = iota
	// EarlyHold answers when somebody publishes, or with 409 after HoldTime.
	EarlyHold
	// EarlySlate answers at once; what Options.Slate shows is played until a
	// publisher is answered, stands still until its media flow, and is played
	// again when it has left. Where there is none it is 409.
	EarlySlate
)

// TakeOver is for a publisher that comes while another publishes.
type TakeOver uint8

const (
	// TakeOverSame lets the same publisher take the stream over at once, and
	// refuses any other with 409.
	TakeOverSame TakeOver = iota
	// TakeOverRefuse refuses any with 409.
	TakeOverRefuse
	// TakeOverHold answers when the stream is free, or with 409 after HoldTime.
	TakeOverHold
)

// stream is what the policy means when it comes to publishing.
func (t TakeOver) stream() stream.TakeOver {
	if t == TakeOverSame {
		return stream.TakeOverSame
	}
	return stream.TakeOverRefuse
}
