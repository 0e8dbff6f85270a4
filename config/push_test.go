package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/config"
)

// A stream may be pushed to other servers, one that others publish too; what may be secret of that is not shown.
func TestDeclaredPushes(t *testing.T) {
	l := load(t, config.Input{File: write(t, `streams:
  lobby:
    source: clip
    pushes:
      - {url: "https://a.example/whip/x", token: hunter2}
      - url: https://b.example/whip/x?key=hunter2
  guest: {pushes: [{url: "https://me:hunter2@c.example/whip/x"}]}
`)})
	want := []config.Declared{
		{Stream: "lobby", Source: "clip", Pushes: []config.DeclaredPush{
			{URL: "https://a.example/whip/x", Token: "hunter2"}, {URL: "https://b.example/whip/x?key=hunter2"},
		}},
		{Stream: "guest", Pushes: []config.DeclaredPush{{URL: "https://me:hunter2@c.example/whip/x"}}},
	}
	if diff := cmp.Diff(want, l.Config.Streams.Declared); diff != "" {
		t.Error(diff)
	}
	shown := l.Show()
	for _, text := range []string{shown, fmt.Sprintf("%v %+v %#v", l.Config, l.Config, l.Config)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("a secret is shown:\n%s", text)
		}
	}
	if part := "    pushes:\n      - {url: \"https://a.example/whip/x\", token: \"***\"}\n      - {url: \"https://b.example/whip/x?***\"}\n"; !strings.Contains(shown, part) {
		t.Errorf("%s is not in\n%s", part, shown)
	}
	again := load(t, config.Input{File: write(t, strings.ReplaceAll(shown, `dir: ""`, `dir: /tmp`))})
	if len(again.Config.Streams.Declared) != 2 {
		t.Errorf("shown, and read again: %v", again.Config.Streams.Declared)
	}
	if m := l.Wrong("streams.lobby.pushes[0].token", "is wrong"); !strings.HasSuffix(m.Place, ":5:50") {
		t.Errorf("the token stands in %s", m.Place)
	}
}

func TestBadPushes(t *testing.T) {
	for text, wants := range map[string]string{
		"{source: clip, pushes: https://a.example/x}":           "streams.lobby.pushes: want a list of url and token, got ",
		"{source: clip, pushes: [https://a.example/x]}":         "streams.lobby.pushes[0]: want settings, such as url: …, got ",
		"{source: clip, pushes: [{token: hunter2}]}":            "streams.lobby.pushes[0]: url is missing",
		"{source: clip, pushes: [{url: a, tokn: hunter2}]}":     "streams.lobby.pushes[0]: there is no such setting; did you mean token?",
		"{source: clip, pushes: [{url: a, url: b}]}":            "streams.lobby.pushes[0].url: is given twice",
		"{source: clip, pushes: [{url: [a]}]}":                  "streams.lobby.pushes[0].url: want text",
		"{pushes: []}":                                          "streams.lobby: source is missing",
		"{private: true, pushes: [{url: https://a.example/x}]}": "streams.lobby: source is missing",
		"{source: clip, pushs: [{url: https://a.example/x}]}":   "streams.lobby: there is no such setting; did you mean pushes?",
		"{source: clip, pushes: [{url: a, token: 12345678}]}":   "streams.lobby.pushes[0].token: want text: put it in quotes",
	} {
		_, err := config.Load(config.Input{File: write(t, "streams:\n  lobby: "+text+"\n")})
		if err == nil || !strings.Contains(err.Error(), wants) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", text, err, wants)
		}
	}
}
