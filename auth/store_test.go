package auth_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/auth"
)

func TestOpenCreatesNothing(t *testing.T) {
	path := statePath(t)
	s, w := open(t, path)
	if len(s.Tokens()) != 0 || !s.PlayIsOpen() || len(w.take()) != 0 {
		t.Errorf("a new store has %v", s.Tokens())
	}
	if _, err := os.Lstat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state directory: %v", err)
	}
}

func TestEnsureMakesOnceAndKeeps(t *testing.T) {
	path := statePath(t)
	s, w := open(t, path)
	admin := must(t)(s.Ensure(administer, "admin"))
	pub := must(t)(s.Ensure(publish, "publish"))
	if admin.Name != "admin" || pub.Name != "publish" || admin.Secret == pub.Secret {
		t.Errorf("made %v and %v", admin, pub)
	}
	if !regexp.MustCompile(`^weir_[A-Z2-7]{26}$`).MatchString(admin.Secret) {
		t.Error("the secret does not look like one")
	}
	again, _ := open(t, path)
	for _, s := range []*auth.Store{s, again} {
		if got := must(t)(s.Ensure(administer, "admin")); !cmp.Equal(got, admin) || got.Secret != admin.Secret {
			t.Errorf("then it is %v", got)
		}
		if !known(t, s, admin) || !known(t, s, pub) || !s.PlayIsOpen() {
			t.Error("what was made is not known, or playing is closed by it")
		}
	}
	if got := w.take(); got != nil {
		t.Errorf("warned of %q", got)
	}
}

func TestEnsureTakesWhatThereIs(t *testing.T) {
	s, _ := open(t, statePath(t), token("boss", "x", administer))
	if got := must(t)(s.Ensure(administer, "admin")); got.Name != "boss" {
		t.Errorf("got %v, want the fixed one", got)
	}
	must(t)(s.Add("publish", []auth.Action{play}))
	if got := must(t)(s.Ensure(publish, "publish")); got.Name != "publish-2" {
		t.Errorf("got %v, want another name than that of a token for something else", got)
	}
	must(t)(s.Add("a", []auth.Action{publish}))
	if got := must(t)(s.Ensure(publish, "publish-2")); got.Name != "publish-2" {
		t.Errorf("got %v, want the one with the name", got)
	}
	long := strings.Repeat("x", 64)
	other, _ := open(t, "", token(long, "x", play))
	if got := must(t)(other.Ensure(publish, long)); got.Name != long[:62]+"-2" {
		t.Errorf("got %v", got)
	}
	if _, err := s.Ensure(0, "x"); err == nil {
		t.Error("a token for nothing is made")
	}
	if _, err := s.Ensure(publish, "../x"); !errors.Is(err, auth.ErrName) {
		t.Errorf("a bad name: %v", err)
	}
}

// A secret is known by its look, or by being one.
func TestIsSecret(t *testing.T) {
	s, _ := open(t, statePath(t), token("boss", "hunter2-of-the-boss", administer))
	made := must(t)(s.Add("studio", []auth.Action{publish}))
	if err := s.Revoke("studio"); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"": false, "boss": false, "studio": false, "weir": false, "Weir_": false, "hunter2-of-the-bos": false,
		"hunter2-of-the-boss": true, "weir_": true, made.Secret: true,
	} {
		if s.IsSecret(text) != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
}

func TestWithoutStateFile(t *testing.T) {
	s, _ := open(t, "")
	admin := must(t)(s.Ensure(administer, "admin"))
	if got := must(t)(s.Ensure(administer, "admin")); !known(t, s, admin) || got.Secret != admin.Secret {
		t.Error("the token does not last")
	}
	if _, err := s.Add("x", []auth.Action{play}); !errors.Is(err, auth.ErrNoFile) {
		t.Errorf("add: %v", err)
	}
	if _, err := s.Rotate("admin"); !errors.Is(err, auth.ErrNoFile) {
		t.Errorf("rotate: %v", err)
	}
	if err := s.Revoke("admin"); !errors.Is(err, auth.ErrNoFile) {
		t.Errorf("revoke: %v", err)
	}
}

func TestAddRotateRevoke(t *testing.T) {
	s, _ := open(t, statePath(t))
	cam := must(t)(s.Add("cam-1.x_Y", []auth.Action{publish}))
	tv := must(t)(s.Add("TV", []auth.Action{play}))
	if s.PlayIsOpen() {
		t.Error("a play token does not close playing")
	}
	if _, err := s.Add("TV", []auth.Action{play}); !errors.Is(err, auth.ErrExists) {
		t.Errorf("the name again: %v", err)
	}
	rotated := must(t)(s.Rotate("TV"))
	if rotated.Name != "TV" || !cmp.Equal(rotated.Rights, tv.Rights) || known(t, s, tv) || !known(t, s, rotated) {
		t.Errorf("rotated to %v", rotated)
	}
	if want := []string{"TV", "cam-1.x_Y"}; !cmp.Equal(namesOf(s), want) {
		t.Error(cmp.Diff(want, namesOf(s)))
	}
	if err := s.Revoke("TV"); err != nil || known(t, s, rotated) || !s.PlayIsOpen() || !known(t, s, cam) {
		t.Errorf("revoked: %v, tokens %v", err, s.Tokens())
	}
	if err := s.Revoke("TV"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if _, err := s.Rotate("TV"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("rotate it: %v", err)
	}
	for _, name := range []string{"", ".", "-x", "_x", "a b", "a/b", "ä", "a\n", "a\x00", strings.Repeat("x", 65)} {
		if _, err := s.Add(name, []auth.Action{play}); !errors.Is(err, auth.ErrName) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if _, err := s.Add("x", nil); !errors.Is(err, auth.ErrNoRights) {
		t.Errorf("no rights: %v", err)
	}
}

func TestOnlySoManyTokens(t *testing.T) {
	entries := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"name": "t%d", "secret": "hidden-%d", "rights": ["publish"]}`, i, i))
		}
		return `{"version": 1, "tokens": [` + strings.Join(all, ",\n") + `]}`
	}
	s, _ := open(t, written(t, entries(1000)))
	if !known(t, s, token("t0", "hidden-0", publish)) || !known(t, s, token("t999", "hidden-999", publish)) {
		t.Error("the first or the last is not known")
	}
	if _, err := s.Add("x", []auth.Action{play}); !errors.Is(err, auth.ErrFull) {
		t.Errorf("one more: %v", err)
	}
	if _, err := auth.Open(auth.Options{Path: written(t, entries(1001))}); err == nil || !strings.Contains(err.Error(), "1001 tokens") {
		t.Errorf("a file with one more: %v", err)
	}
}

// A running server and "weir token" share the file.
func TestChangeTakesEffectInARunningServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := statePath(t)
		server, w := open(t, path)
		if known(t, server, token("x", "x", play)) { // looks: there is no file yet
			t.Error("a token from nowhere")
		}
		time.Sleep(time.Second)
		command, _ := open(t, path)
		cam := must(t)(command.Add("cam", []auth.Action{publish}))
		if !known(t, server, cam) {
			t.Error("the first token does not take effect")
		}
		rotated := must(t)(command.Rotate("cam"))
		if known(t, server, rotated) || !known(t, server, cam) {
			t.Error("looked at the file again within a second")
		}
		time.Sleep(time.Second)
		if !known(t, server, rotated) || known(t, server, cam) {
			t.Error("a rotated token does not take effect")
		}
		if err := command.Revoke("cam"); err != nil {
			t.Fatal(err)
		}
		must(t)(command.Add("tv", []auth.Action{play}))
		time.Sleep(time.Second)
		if known(t, server, rotated) || server.PlayIsOpen() {
			t.Error("a revoked token or a new one does not take effect")
		}
		if got := w.take(); got != nil {
			t.Errorf("warned of %q", got)
		}
	})
}

// An editor that writes into the file, with nothing to see by its size, inode
// or, in the same tick, its time.
func TestChangeInPlaceTakesEffect(t *testing.T) {
	content := func(secret string) string {
		return `{"version": 1, "tokens": [{"name": "a", "secret": "` + secret + `", "rights": ["publish"]}]}`
	}
	path := written(t, content("one"))
	now := time.Now()
	touch := func(at time.Time) {
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now() // the bubble's clock
		touch(start)
		s, _ := open(t, path)
		write(t, path, content("two"))
		touch(start)
		time.Sleep(time.Second)
		if !known(t, s, token("a", "two", publish)) {
			t.Error("a change in the same tick is not seen")
		}
		time.Sleep(3 * time.Second)
		s.PlayIsOpen() // reads it once more: from now on its time counts
		write(t, path, content("tri"))
		touch(start)
		time.Sleep(time.Second)
		if known(t, s, token("a", "tri", publish)) {
			t.Error("the file is read though its time has not changed")
		}
		touch(now)
		time.Sleep(time.Second)
		if !known(t, s, token("a", "tri", publish)) {
			t.Error("a change is not seen")
		}
	})
}

func TestUnreadableFileKeepsTheTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := statePath(t)
		s, w := open(t, path)
		cam := must(t)(s.Add("cam", []auth.Action{publish}))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for what, spoil := range map[string]func() error{
			"cut":         func() error { return os.WriteFile(path, good[:len(good)/2], 0o600) },
			"empty":       func() error { return os.WriteFile(path, nil, 0o600) },
			"gone":        func() error { return os.Remove(path) },
			"directory":   func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
			"all is gone": func() error { return os.RemoveAll(filepath.Dir(path)) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				time.Sleep(time.Second)
				if !known(t, s, cam) {
					t.Errorf("%s: the token is not known any more", what)
				}
			}
			got := w.take()
			if len(got) != 1 || !strings.Contains(got[0], path) || strings.Contains(got[0], cam.Secret) {
				t.Errorf("%s: warned %q, want once with the path", what, got)
			}
			if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o700)); err != nil {
				t.Fatal(err)
			}
			write(t, path, `{"version": 1, "tokens": []}`)
			time.Sleep(time.Second)
			if known(t, s, cam) || len(w.take()) != 0 {
				t.Errorf("%s: not read again once it was good", what)
			}
			write(t, path, string(good))
			time.Sleep(time.Second)
			if !known(t, s, cam) {
				t.Fatalf("%s: not read again", what)
			}
		}
	})
}

func TestChangeOfASpoiltFileIsRefused(t *testing.T) {
	path := statePath(t)
	s, _ := open(t, path)
	must(t)(s.Add("cam", []auth.Action{publish}))
	write(t, path, "mine, half edited")
	if _, err := s.Add("tv", []auth.Action{play}); err == nil || !strings.Contains(err.Error(), path+": line 1") {
		t.Errorf("add: %v", err)
	}
	if got, err := os.ReadFile(path); string(got) != "mine, half edited" {
		t.Errorf("the file is now %q, %v", got, err)
	}
}

// Several programs change the file at once, while others read it.
func TestManyAtOnce(t *testing.T) {
	const writers, each = 4, 5
	path := statePath(t)
	first, _ := open(t, path)
	keep := must(t)(first.Add("keep", []auth.Action{administer}))
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s, err := auth.Open(auth.Options{Path: path})
				if err != nil {
					t.Errorf("open while others write: %v", err)
					return
				}
				if !known(t, s, keep) || !known(t, first, keep) {
					t.Error("a token that nobody touches is not known for a while")
					return
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			s, err := auth.Open(auth.Options{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			for n := range each {
				name := fmt.Sprintf("t-%d-%d", w, n)
				if _, err := s.Add(name, []auth.Action{publish}); err != nil {
					t.Errorf("add %s: %v", name, err)
				}
				if _, err := s.Ensure(play, "tv"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	last, _ := open(t, path)
	if got, want := len(last.Tokens()), writers*each+2; got != want {
		t.Errorf("%d tokens, want %d: one was lost or made twice: %v", got, want, namesOf(last))
	}
}
