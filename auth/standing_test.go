package auth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"weir/auth"
)

func told(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

// What was allowed stands while the token is there, with its name, its secret and
// the right; without a token, while none is needed.
func TestStanding(t *testing.T) {
	s, _ := open(t, statePath(t))
	studio := must(t)(s.Add("studio", []auth.Action{publish, play}))
	standing := func(action auth.Action, private bool, credential string) func() error {
		t.Helper()
		r := auth.Request{Credential: credential, Action: action, Private: private}
		who, err := s.Authorize(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return s.Standing(who, r)
	}
	publishes, playsPrivate := standing(publish, false, studio.Secret), standing(play, true, studio.Secret)
	if publishes() != nil || playsPrivate() != nil {
		t.Error("what was allowed just now no longer stands")
	}
	must(t)(s.Add("other", []auth.Action{play}))
	if publishes() != nil || playsPrivate() != nil {
		t.Error("another token's coming ends it")
	}
	must(t)(s.Rotate("studio"))
	if !errors.Is(publishes(), auth.ErrUnknownToken) || !errors.Is(playsPrivate(), auth.ErrUnknownToken) {
		t.Errorf("rotated: %v, %v", publishes(), playsPrivate())
	}
	for _, name := range []string{"studio", "other"} {
		if err := s.Revoke(name); err != nil {
			t.Fatal(err)
		}
	}

	must(t)(s.Add("stage", []auth.Action{publish}))
	stage := s.Tokens()[0]
	anybody, named := standing(play, false, ""), standing(play, false, stage.Secret)
	unknown := standing(play, false, "undefined")
	must(t)(s.Add("wall", []auth.Action{play}))
	if !errors.Is(anybody(), auth.ErrNoToken) || !errors.Is(unknown(), auth.ErrUnknownToken) || !errors.Is(named(), auth.ErrForbidden) {
		t.Errorf("playing is closed: %v, %v, %v", anybody(), unknown(), named())
	}
	if err := errors.Join(s.Revoke("wall"), s.Revoke("stage")); err != nil {
		t.Fatal(err)
	}
	if anybody() != nil || unknown() != nil || !errors.Is(named(), auth.ErrUnknownToken) {
		t.Errorf("playing is open, the token is gone: %v, %v, %v", anybody(), unknown(), named())
	}
}

// A right that the file no longer grants is told of though nobody asks; what only
// looks changed is not.
func TestChangedTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const with = `{"version":1,"tokens":[{"name":"a","secret":"weir_a","rights":[%s]}]}`
		path := written(t, fmt.Sprintf(with, `"play","publish"`))
		s, w := open(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		go func() {
			if err := s.Follow(ctx); err != nil {
				t.Error(err)
			}
		}()
		r := auth.Request{Credential: "weir_a", Action: publish}
		stands := s.Standing(auth.Identity{Name: "a"}, r)
		changed := s.Changed()
		write(t, path, fmt.Sprintf(with, `"publish","play"`))
		time.Sleep(5 * time.Second)
		if told(changed) || stands() != nil {
			t.Error("nothing is changed, and it is told")
		}
		write(t, path, fmt.Sprintf(with, `"play"`)+"\n")
		time.Sleep(1100 * time.Millisecond)
		if !told(changed) || told(s.Changed()) || !errors.Is(stands(), auth.ErrForbidden) {
			t.Errorf("the right is gone: told %v, %v, warned of %q", told(changed), stands(), w.take())
		}
	})
}
