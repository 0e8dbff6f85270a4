package auth_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"weir/auth"
)

// warnings collects what a Store warns of.
type warnings struct {
	mu sync.Mutex
	// guarded by mu
	all []string
}

func (w *warnings) add(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, err.Error())
}

// take returns what has come since it was last called.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.all
	w.all = nil
	return all
}

func open(t *testing.T, path string, fixed ...auth.Token) (*auth.Store, *warnings) {
	t.Helper()
	w := &warnings{}
	s, err := auth.Open(auth.Options{Path: path, Fixed: fixed, Warn: w.add})
	if err != nil {
		t.Fatal(err)
	}
	return s, w
}

// statePath is that of a state file, in a directory that is still to be made.
func statePath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "weir", "tokens.json")
}

// written is the path of a state file with this content.
func written(t *testing.T, content string) string {
	t.Helper()
	path := statePath(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, content)
	return path
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T) func(auth.Token, error) auth.Token {
	t.Helper()
	return func(token auth.Token, err error) auth.Token {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
}

func token(name, secret string, rights ...auth.Action) auth.Token {
	return auth.Token{Name: name, Secret: secret, Rights: rights}
}

// known says whether the secret is good for its right.
func known(t *testing.T, s *auth.Store, token auth.Token) bool {
	t.Helper()
	id, err := s.Authorize(t.Context(), auth.Request{Credential: token.Secret, Action: token.Rights[0], Private: true})
	if err == nil && id.Name != token.Name {
		t.Errorf("it is %q, want %q", id.Name, token.Name)
	}
	return err == nil
}

func namesOf(s *auth.Store) []string {
	var names []string
	for t := range slices.Values(s.Tokens()) {
		names = append(names, t.Name)
	}
	return names
}
