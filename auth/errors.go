package auth

import "errors"

// What Authorize answers.
var (
	// ErrNoToken is returned where a token is needed and none came.
	ErrNoToken = errors.New("a token is needed")
	// ErrUnknownToken is returned for a credential that is no token here.
	ErrUnknownToken = errors.New("the token is not known here")
	// ErrForbidden is returned for a token without the right that is needed.
	ErrForbidden = errors.New("the token does not have the right")
)

// What a change of the tokens may fail with.
var (
	// ErrName is returned for a name that no token can have.
	ErrName = errors.New("a token's name is 1 to 64 letters, digits, dots, underscores and hyphens, the first one a letter or digit")
	// ErrExists is returned by Add for a name that is in use.
	ErrExists = errors.New("a token of this name exists")
	// ErrNotFound is returned where no token has the name.
	ErrNotFound = errors.New("no token has this name")
	// ErrFixed is returned for a token that is not the state file's.
	ErrFixed = errors.New("this token is set by the environment or the configuration: change it there")
	// ErrNoFile is returned where there is no state file to keep a token in.
	ErrNoFile = errors.New("there is no state directory to keep tokens in")
	// ErrFull is returned where no more tokens can be kept.
	ErrFull = errors.New("there are 1000 tokens already: revoke some")
	// ErrNoRights is returned for a token that would be good for nothing.
	ErrNoRights = errors.New("a token needs at least one right: play, publish or administer")
)

// errNoModes is for file systems that take a mode and do not keep it.
var errNoModes = errors.New("this file system keeps no modes: choose another state directory")
