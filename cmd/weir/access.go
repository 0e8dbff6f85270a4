package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"weir/auth"
	"weir/config"
)

// stateFile is what the tokens are kept in, in the state directory.
const stateFile = "tokens.json"

// statePath is the state file's, "" where there is no place for one.
func statePath(loaded *config.Loaded) string {
	if loaded.Config.State.Dir == "" {
		return ""
	}
	return filepath.Join(loaded.Config.State.Dir, stateFile)
}

// openTokens reads the tokens of the configuration and of the state file.
func openTokens(loaded *config.Loaded, warn func(error)) (*auth.Store, error) {
	fixed, err := fixedTokens(loaded.Config.Access.Tokens)
	if err != nil {
		return nil, err
	}
	store, err := auth.Open(auth.Options{Path: statePath(loaded), Fixed: fixed, Warn: warn})
	if err != nil {
		return nil, fmt.Errorf("open the tokens: %w; WEIR_STATE_DIR names the directory that keeps them", err)
	}
	return store, nil
}

// followTokens has sessions end that no token lets in any more, as soon as the
// tokens change, until ctx ends.
func (s *server) followTokens(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer end()
	failed := make(chan error, 1)
	looking.Go(func() { failed <- s.access.Follow(ctx) })
	for {
		changed := s.access.Changed()
		s.sessions.Recheck() // also what changed before the first look
		select {
		case <-changed:
		case err := <-failed:
			return err
		}
	}
}

// configuredTokens are those of the configuration alone, as far as they are tokens:
// what is wrong with one is config's to say.
func configuredTokens(tokens []config.Token) (*auth.Store, error) {
	fixed, err := fixedTokens(tokens)
	if err == nil {
		if store, err := auth.Open(auth.Options{Fixed: fixed}); err == nil {
			return store, nil
		}
	}
	store, err := auth.Open(auth.Options{})
	if err != nil {
		return nil, fmt.Errorf("open no tokens: %w", err)
	}
	return store, nil
}

func fixedTokens(tokens []config.Token) ([]auth.Token, error) {
	var fixed []auth.Token
	for _, t := range tokens {
		made := auth.Token{Name: t.Name, Secret: string(t.Secret)}
		for _, name := range t.Rights {
			right, err := auth.ParseAction(name)
			if err != nil {
				return nil, fmt.Errorf("token %s: %w", t.Name, err)
			}
			made.Rights = append(made.Rights, right)
		}
		fixed = append(fixed, made)
	}
	return fixed, nil
}

// firstTokens sees to it that somebody may publish and somebody administer: for
// each right that no token of the configuration grants, the state file holds
// one. It returns the token to administer with, and where it is kept: "" for the
// configuration.
func firstTokens(store *auth.Store, loaded *config.Loaded) (admin auth.Token, kept string, err error) {
	grants := func(rights ...string) bool {
		return slices.ContainsFunc(loaded.Config.Access.Tokens, func(t config.Token) bool {
			return slices.ContainsFunc(t.Rights, func(right string) bool { return slices.Contains(rights, right) })
		})
	}
	publish, administer := auth.Publish.String(), auth.Administer.String()
	if !grants(administer) {
		kept = statePath(loaded)
		if kept == "" {
			return admin, "", errors.New("there is no state directory to keep a new token in: set WEIR_STATE_DIR, or WEIR_ADMIN_TOKEN to a token of your own")
		}
	}
	if !grants(publish, administer) {
		if _, err := store.Ensure(auth.Publish, publish); err != nil {
			return admin, "", keepError(loaded, err)
		}
	}
	if admin, err = store.Ensure(auth.Administer, "admin"); err != nil {
		return admin, "", keepError(loaded, err)
	}
	return admin, kept, nil
}

func keepError(loaded *config.Loaded, err error) error {
	return fmt.Errorf("a new token cannot be kept in %s: %w; set WEIR_STATE_DIR to a directory that can be written, or WEIR_ADMIN_TOKEN to a token of your own",
		loaded.Config.State.Dir, err)
}
