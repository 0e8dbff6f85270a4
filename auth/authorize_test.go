package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/auth"
)

const play, publish, administer = auth.Play, auth.Publish, auth.Administer

func TestWhoMayDoWhat(t *testing.T) {
	fixed := []auth.Token{
		token("admin", "s-admin", administer), token("cam", "s-cam", publish), token("both", "s-both", administer, play),
	}
	opened, _ := open(t, "", fixed...)
	closed, _ := open(t, "", append(fixed, token("tv", "s-tv", play))...)
	const ok, none, unknown, forbidden = "ok", "no token", "unknown", "forbidden"
	verdict := map[error]string{nil: ok, auth.ErrNoToken: none, auth.ErrUnknownToken: unknown, auth.ErrForbidden: forbidden}
	for _, c := range []struct {
		store      *auth.Store
		what       string
		credential string
		action     auth.Action
		private    bool
		want, name string
	}{
		{opened, "open", "", play, false, ok, ""},
		{opened, "open", "undefined", play, false, ok, ""},
		{opened, "open", "s-cam", play, false, ok, "cam"},
		{opened, "open", "s-admin", play, false, ok, "admin"},
		{opened, "open", "", play, true, none, ""},
		{opened, "open", "undefined", play, true, unknown, ""},
		{opened, "open", "s-cam", play, true, forbidden, "cam"},
		{opened, "open", "s-both", play, true, ok, "both"},
		{opened, "open", "s-admin", play, true, ok, "admin"},
		{opened, "open", "", publish, false, none, ""},
		{opened, "open", "undefined", publish, false, unknown, ""},
		{opened, "open", "s-cam", publish, false, ok, "cam"},
		{opened, "open", "s-admin", publish, false, ok, "admin"},
		{opened, "open", "", administer, false, none, ""},
		{opened, "open", "s-cam", administer, false, forbidden, "cam"},
		{opened, "open", "s-admin", administer, false, ok, "admin"},
		{opened, "open", "s-admi", administer, false, unknown, ""},
		{opened, "open", "s-admin ", administer, false, unknown, ""},
		{opened, "open", "S-ADMIN", administer, false, unknown, ""},
		{opened, "open", "s-admin", 0, false, forbidden, "admin"},
		{opened, "open", "s-admin", administer + 1, false, forbidden, "admin"},

		{closed, "closed", "", play, false, none, ""},
		{closed, "closed", "undefined", play, false, unknown, ""},
		{closed, "closed", "s-cam", play, false, forbidden, "cam"},
		{closed, "closed", "s-tv", play, false, ok, "tv"},
		{closed, "closed", "s-tv", play, true, ok, "tv"},
		{closed, "closed", "s-admin", play, false, ok, "admin"},
		{closed, "closed", "s-tv", publish, false, forbidden, "tv"},
		{closed, "closed", "s-tv", administer, false, forbidden, "tv"},
	} {
		id, err := c.store.Authorize(t.Context(), auth.Request{Credential: c.credential, Action: c.action, Stream: "test", Private: c.private})
		if verdict[err] != c.want || id.Name != c.name {
			t.Errorf("%s: %q wants to %v, private %v: %v as %q; want %s as %q", c.what, c.credential, c.action, c.private, err, id.Name, c.want, c.name)
		}
	}
	if !opened.PlayIsOpen() || closed.PlayIsOpen() {
		t.Errorf("open %v, closed %v", opened.PlayIsOpen(), closed.PlayIsOpen())
	}
}

func TestNobodyMayAdministerWithoutTokens(t *testing.T) {
	s, _ := open(t, "")
	for _, credential := range []string{"", "x"} {
		for _, a := range []auth.Action{publish, administer} {
			if _, err := s.Authorize(t.Context(), auth.Request{Credential: credential, Action: a}); err == nil {
				t.Errorf("%q may %v", credential, a)
			}
		}
	}
}

func TestActions(t *testing.T) {
	for _, a := range []auth.Action{play, publish, administer} {
		if got, err := auth.ParseAction(a.String()); got != a || err != nil {
			t.Errorf("%v: %v, %v", a, got, err)
		}
	}
	for _, name := range []string{"", "none", "Play", "play ", strings.Repeat("x", 1000)} {
		if a, err := auth.ParseAction(name); err == nil || len(err.Error()) > 200 {
			t.Errorf("%q is %v, %v", name, a, err)
		}
	}
}

func TestMistakesInFixedTokensAreAllNamed(t *testing.T) {
	_, err := auth.Open(auth.Options{Path: written(t, "hidden-x"), Fixed: []auth.Token{
		token("a", "", play),
		token("-b", "hidden-b", play),
		token("c", "hidden-c"),
		token("d", "hidden d", play),
		token("e", "hidden-e\n", play),
		token("f", "hidden-ß", play),
		token("g", "hidden-"+strings.Repeat("x", 512), play),
		token("h", "hidden-h", 9),
		token("i", "hidden-c", play),
		token("a", "hidden-a", play),
	}})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"token a: the secret is empty", "token 2: a token's name", "token c: a token needs at least one right", "token d: the secret has a character",
		"token e: the secret has a character", "token f: the secret has a character", "token g: the secret is longer", "token h: there are no rights but",
		"token i: the secret is that of token c too", "token a: the name is used twice",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if !errors.Is(err, auth.ErrName) || !errors.Is(err, auth.ErrNoRights) {
		t.Errorf("the sentinels are not in: %v", err)
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("a secret is in: %v", err)
	}
}

func TestFixedTokensWin(t *testing.T) {
	path := statePath(t)
	first, _ := open(t, path)
	stored := must(t)(first.Add("admin", []auth.Action{administer}))
	other := must(t)(first.Add("other", []auth.Action{publish}))
	s, _ := open(t, path, token("admin", "mine", administer), token("same", other.Secret, play))
	if known(t, s, stored) {
		t.Error("the stored secret is still good for the fixed name")
	}
	if !known(t, s, token("admin", "mine", administer)) {
		t.Error("the fixed secret is not")
	}
	if !known(t, s, token("same", other.Secret, play)) {
		t.Error("one secret under two names: want the fixed one")
	}
	if want := []string{"admin", "same"}; !cmp.Equal(namesOf(s), want) {
		t.Error(cmp.Diff(want, namesOf(s)))
	}
	if _, err := s.Rotate("admin"); !errors.Is(err, auth.ErrFixed) {
		t.Errorf("rotate: %v", err)
	}
	if _, err := s.Add("same", []auth.Action{play}); !errors.Is(err, auth.ErrFixed) {
		t.Errorf("add: %v", err)
	}
	if err := s.Revoke("admin"); !errors.Is(err, auth.ErrFixed) {
		t.Errorf("revoke: %v", err)
	}
}

func TestTokensDoNotShowTheirSecrets(t *testing.T) {
	s, _ := open(t, statePath(t), token("fixed", "weir_hidden", play))
	hidden := must(t)(s.Add("cam", []auth.Action{publish, play, publish}))
	if want := []auth.Action{play, publish}; !cmp.Equal(hidden.Rights, want) {
		t.Error(cmp.Diff(want, hidden.Rights))
	}
	var out bytes.Buffer
	tokens := s.Tokens()
	options := auth.Options{Fixed: tokens}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, v := range []any{hidden, &hidden, tokens, options, s} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("tokens", "source", hidden, "session", &hidden, "kind", tokens, "stream", s)
	}
	text, err := json.Marshal([]any{hidden, tokens})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	if all := out.String(); strings.Contains(all, "weir_") || strings.Contains(all, fmt.Sprintf("%x", "weir_")) || !strings.Contains(all, "cam (play, publish)") {
		t.Errorf("a secret shows, or the name does not:\n%s", all)
	}
}

// What Tokens and Ensure return is the caller's.
func TestTokensAreCopies(t *testing.T) {
	s, _ := open(t, "", token("admin", "x", administer))
	s.Tokens()[0].Rights[0] = play
	must(t)(s.Ensure(administer, "admin")).Rights[0] = play
	if !known(t, s, token("admin", "x", administer)) {
		t.Error("a caller has changed the rights")
	}
}
