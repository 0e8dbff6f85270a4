package auth

import (
	"errors"
	"slices"
	"strings"
)

// errUnchanged ends a change that turned out to be unnecessary.
var errUnchanged = errors.New("nothing to change")

// Ensure returns a token that has the right itself, not by way of Administer:
// the one with this name, else another. Where there is none it makes one and
// keeps it in the state file, under the name or, should that be taken, under
// name-2 and so on. Without a state file it lasts as long as the Store.
func (s *Store) Ensure(a Action, name string) (Token, error) {
	if err := checkNew(name, []Action{a}); err != nil {
		return Token{}, err
	}
	if t, found := s.current().holder(a, name); found {
		return t, nil
	}
	var made Token
	err := s.change(func(stored []Token) ([]Token, error) {
		all := newKeys(s.options.Fixed, stored)
		if t, found := all.holder(a, name); found { // another program was quicker
			made = t
			return nil, errUnchanged
		}
		made = newToken(freeName(name, s.options.Fixed, stored), []Action{a})
		return appended(stored, made)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return Token{}, err
	}
	return made, nil
}

// Add makes a token with these rights and keeps it in the state file.
func (s *Store) Add(name string, rights []Action) (Token, error) {
	if err := checkNew(name, rights); err != nil {
		return Token{}, err
	}
	made := newToken(name, rights)
	return made.unless(s.changeStored(name, func(stored []Token, at int) ([]Token, error) {
		if at >= 0 {
			return nil, ErrExists
		}
		return appended(stored, made)
	}))
}

// Rotate gives a token of the state file a new secret. The old one is good for
// nothing from now on.
func (s *Store) Rotate(name string) (Token, error) {
	var made Token
	err := s.changeStored(name, func(stored []Token, at int) ([]Token, error) {
		if at < 0 {
			return nil, ErrNotFound
		}
		made = newToken(name, stored[at].Rights)
		stored[at] = made
		return stored, nil
	})
	return made.unless(err)
}

// Revoke removes a token from the state file.
func (s *Store) Revoke(name string) error {
	return s.changeStored(name, func(stored []Token, at int) ([]Token, error) {
		if at < 0 {
			return nil, ErrNotFound
		}
		return slices.Delete(stored, at, at+1), nil
	})
}

// changeStored changes the state file; at is where the name is in it, or -1.
func (s *Store) changeStored(name string, edit func(stored []Token, at int) ([]Token, error)) error {
	named := func(t Token) bool { return t.Name == name }
	switch {
	case slices.ContainsFunc(s.options.Fixed, named):
		return ErrFixed
	case s.options.Path == "":
		return ErrNoFile
	}
	return s.change(func(stored []Token) ([]Token, error) {
		return edit(stored, slices.IndexFunc(stored, named))
	})
}

// change puts what edit makes of the stored tokens in their place, in the file
// first. edit may change the slice that it gets.
func (s *Store) change(edit func([]Token) ([]Token, error)) error {
	warning, err := s.changeAlone(edit)
	s.warn(warning)
	return err
}

func (s *Store) changeAlone(edit func([]Token) ([]Token, error)) (warning, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.options.Path == "" {
		stored, err := edit(slices.Clone(s.stored))
		if err == nil {
			s.setLocked(stored)
		}
		return nil, err
	}
	if warning, err = s.file.change(edit); err != nil && !errors.Is(err, errUnchanged) {
		return warning, err
	}
	return errors.Join(warning, s.loadLocked()), err
}

// holder returns a token that has the right itself: the one with the name, else
// the first.
func (k *keys) holder(a Action, name string) (Token, bool) {
	has := func(t Token) bool { return slices.Contains(t.Rights, a) }
	at := slices.IndexFunc(k.tokens, func(t Token) bool { return t.Name == name && has(t) })
	if at < 0 {
		at = slices.IndexFunc(k.tokens, has)
	}
	if at < 0 {
		return Token{}, false
	}
	return k.tokens[at].clone(), true
}

func appended(stored []Token, t Token) ([]Token, error) {
	if len(stored) >= mostTokens {
		return nil, ErrFull
	}
	stored = append(stored, t)
	slices.SortFunc(stored, func(a, b Token) int { return strings.Compare(a.Name, b.Name) })
	return stored, nil
}

func checkNew(name string, rights []Action) error {
	if !validName(name) {
		return ErrName
	}
	return checkRights(rights)
}
