package auth

import (
	"context"
	"fmt"
)

// An Action is what somebody wants to do, and as a right what a token allows.
type Action uint8

// The actions. The zero Action is none, and nobody may do it.
const (
	Play Action = iota + 1
	Publish
	Administer // everything: the other two are included
)

// String is the action's name in files, commands and problem details.
func (a Action) String() string {
	switch a {
	case Play:
		return "play"
	case Publish:
		return "publish"
	case Administer:
		return "administer"
	default:
		return "none"
	}
}

// ParseAction returns the action with this name.
func ParseAction(name string) (Action, error) {
	for _, a := range []Action{Play, Publish, Administer} {
		if name == a.String() {
			return a, nil
		}
	}
	return 0, fmt.Errorf("%.32q is no right: there are play, publish and administer", name)
}

// A Request asks whether the bearer of a credential may do something.
type Request struct {
	Credential string // the bearer token, "" for none
	Action     Action
	Stream     string // "" for none in particular
	// Private: the stream is private, so that playing it needs the right even
	// where playing is open.
	Private bool
}

// An Identity is who asked. Name is the token's, "" for nobody in particular.
type Identity struct{ Name string }

// An Authorizer decides. It may be called from any goroutine. Its errors are
// ErrNoToken, ErrUnknownToken, ErrForbidden, or one that means that it could
// not decide; with ErrForbidden the identity is known.
type Authorizer interface {
	Authorize(ctx context.Context, r Request) (Identity, error)
	// Standing returns what says, as often as it is called, whether what was
	// allowed to who still is: nil, or an error such as Authorize's. A token that
	// is gone, or has another name or secret, is ErrUnknownToken, though anybody
	// may do the same without one. It does not hold the credential, may be kept
	// for long, and called from any goroutine.
	Standing(who Identity, r Request) func() error
	// Changed returns a channel that is closed when the tokens that count next
	// change.
	Changed() <-chan struct{}
}
