package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// pause between two looks at the state file.
const pause = time.Second

// Options are what Open needs.
type Options struct {
	// Path of the state file; "" for none: then the tokens that Ensure makes
	// end with the program.
	Path string
	// Fixed are the tokens of the environment and the configuration. They win
	// over those of the state file that have the same name or secret.
	Fixed []Token
	// Warn, if set, is told of what a person should know: a mode that had to be
	// repaired, and, once each time, that the state file cannot be read any
	// more, so that the tokens read before go on. It is called by who asked
	// the Store, and holds up nobody else. The errors quote no secret.
	Warn func(err error)
}

// A Store is the tokens that count now. Its methods may be called from any
// goroutine.
type Store struct {
	// static after Open
	options Options
	file    file
	epoch   time.Time

	keys   atomic.Pointer[keys]
	looked atomic.Int64 // at the file, in nanoseconds after epoch

	mu sync.Mutex
	// guarded by mu; held while the file is read or written
	stored  []Token
	read    version
	failing bool          // the file could not be read at the last look
	changed chan struct{} // closed, and another made, when the tokens change
}

// Open reads the state file, if there is one, and creates nothing. It fails on
// any mistake in it or in the fixed tokens, naming all of them, and where the
// file or its directory is open to others and that cannot be repaired.
func Open(o Options) (*Store, error) {
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	o.Fixed = slices.Clone(o.Fixed)
	for i := range o.Fixed {
		o.Fixed[i].Rights = tidyRights(o.Fixed[i].Rights) // a copy
	}
	problems := checkAll(o.Fixed)
	s := &Store{options: o, file: file{o.Path}, epoch: time.Now(), changed: make(chan struct{})}
	var repaired error
	if o.Path != "" {
		var err error
		if s.stored, s.read, repaired, err = s.file.read(); err != nil {
			problems = append(problems, fmt.Errorf("read the tokens: %w", err))
		}
	}
	if err := joined(problems); err != nil {
		return nil, err
	}
	s.keys.Store(newKeys(o.Fixed, s.stored))
	s.warn(repaired)
	return s, nil
}

// Authorize implements Authorizer. Playing a public stream is open, whatever
// credential comes, unless PlayIsOpen says otherwise. At most once a second it
// looks whether the state file has changed.
func (s *Store) Authorize(_ context.Context, r Request) (Identity, error) {
	return s.current().authorize(r, digestOf(r.Credential))
}

// Standing implements Authorizer.
func (s *Store) Standing(who Identity, r Request) func() error {
	d := digestOf(r.Credential)
	if r.Credential != "" {
		r.Credential = "some" // it is not to be held for longer than a request
	}
	return func() error {
		now, err := s.current().authorize(r, d)
		if who.Name != "" && now.Name != who.Name {
			return ErrUnknownToken
		}
		return err
	}
}

// Changed implements Authorizer. Who is alone with it must see to it that
// somebody looks: see Follow.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Follow looks at the state file as often as Authorize does, whether or not
// somebody asks, until ctx ends: so Changed tells of a change within some two
// seconds.
func (s *Store) Follow(ctx context.Context) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.current()
		case <-ctx.Done():
			return nil
		}
	}
}

// PlayIsOpen says whether anybody may play public streams: no token has the
// right to play without the right to administer.
func (s *Store) PlayIsOpen() bool { return s.current().open }

// IsSecret says whether the text is the secret of a token that counts, or looks
// like one that was made here, whether or not it still counts: then it is to be
// shown to nobody, and must not become a name of anything.
func (s *Store) IsSecret(text string) bool {
	if strings.HasPrefix(text, secretPrefix) {
		return true
	}
	_, found := s.current().find(digestOf(text))
	return found
}

// Tokens are all that count, sorted by name, with their secrets.
func (s *Store) Tokens() []Token {
	tokens := slices.Clone(s.current().tokens)
	for i := range tokens {
		tokens[i] = tokens[i].clone()
	}
	return tokens
}

// current returns the tokens that count now, with a look at the file where the
// last one is a second old. Who comes while somebody looks waits for that: a
// token that was revoked a while ago is good for nobody.
func (s *Store) current() *keys {
	if s.options.Path != "" && s.due() {
		s.warn(s.refresh())
	}
	return s.keys.Load()
}

func (s *Store) due() bool { return time.Since(s.epoch)-time.Duration(s.looked.Load()) >= pause }

// refresh reads the file where it has changed. What it returns is for Warn.
func (s *Store) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.due() { // somebody else has looked meanwhile
		return nil
	}
	info, err := s.file.look()
	if err == nil && s.read.same(info) {
		s.looked.Store(int64(time.Since(s.epoch)))
		return nil
	}
	return s.loadLocked()
}

// loadLocked reads the file. Where that fails, the tokens read before stay and
// the first failure is returned; a repair is returned always.
func (s *Store) loadLocked() error {
	tokens, v, repaired, err := s.file.read()
	if err == nil && v.info == nil && (s.read.info != nil || s.failing) {
		err = fmt.Errorf("%s is gone", s.file.path)
	}
	s.read = v
	if err == nil {
		s.failing = false
		s.setLocked(tokens)
	} else if !s.failing {
		s.failing = true
		repaired = errors.Join(repaired, fmt.Errorf("the state file cannot be read, the tokens read before stay valid: %w", err))
	}
	s.looked.Store(int64(time.Since(s.epoch))) // after the tokens: who sees it sees them
	return repaired
}

// setLocked makes these the tokens that are kept, and tells of it where they are
// others.
func (s *Store) setLocked(stored []Token) {
	s.stored = stored
	before, now := s.keys.Load(), newKeys(s.options.Fixed, stored)
	s.keys.Store(now)
	if !before.same(now) {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

func (s *Store) warn(err error) {
	if err != nil {
		s.options.Warn(err)
	}
}

// Format prints nothing of what is inside.
func (s *Store) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "tokens") // fmt keeps no error either
}
