package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/config"
)

const declaredFile = `streams:
  hold_time: 5s
  lobby:
    source: pattern
    params: {width: 640, gain: 1.5, left_hz: 0x10, loop: true, url: "https://h/?t=hunter2", token: hunter2}
    private: true
    on_demand: true
    stop_after: 1m30s
    restart: {attempts: 0, delay: 500ms, longest: 1m}
  Test.2:
    source: clip
    private: false
`

// Streams with a source of their own stand in the section of streams, by name.
func TestDeclaredStreams(t *testing.T) {
	l := load(t, config.Input{File: write(t, declaredFile)})
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	want := []config.Declared{
		{
			Stream: "lobby", Source: "pattern", Private: new(true), OnDemand: true, StopAfter: new(90 * time.Second),
			Params: map[string]json.RawMessage{
				"width": raw("640"), "gain": raw("1.5"), "left_hz": raw("16"), "loop": raw("true"),
				"url": raw(`"https://h/?t=hunter2"`), "token": raw(`"hunter2"`),
			},
			Restart: config.DeclaredRestart{Attempts: new(0), Delay: new(500 * time.Millisecond), Longest: new(time.Minute)},
		},
		{Stream: "Test.2", Source: "clip", Private: new(false)},
	}
	if diff := cmp.Diff(want, l.Config.Streams.Declared); diff != "" {
		t.Error(diff)
	}
	if l.Config.Streams.HoldTime != 5*time.Second {
		t.Errorf("hold_time %v", l.Config.Streams.HoldTime)
	}
	shown := l.Show()
	for _, part := range []string{
		"  lobby: # ", ":3:3\n    source: \"pattern\"\n    params: {gain: 1.5, left_hz: 16, loop: true, token: \"***\", url: \"***\", width: 640}\n",
		"    private: true\n    on_demand: true\n    stop_after: \"1m30s\"\n    restart: {attempts: 0, delay: \"500ms\", longest: \"1m\"}\n",
		"  Test.2: # ",
	} {
		if !strings.Contains(shown, part) {
			t.Errorf("%q is not in\n%s", part, shown)
		}
	}
	for _, text := range []string{shown, fmt.Sprintf("%v %+v %#v", l.Config, l.Config, l.Config)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("a secret is shown:\n%s", text)
		}
	}
	// What is shown, its masks put aside, is the same again.
	again := load(t, config.Input{File: write(t, strings.ReplaceAll(shown, `dir: ""`, `dir: /tmp`))})
	if len(again.Config.Streams.Declared) != 2 {
		t.Errorf("shown, and read again: %v", again.Config.Streams.Declared)
	}
	for path, place := range map[string]string{
		"streams.lobby.params.width": ":5:21", "streams.lobby.params.height": ":5:13", "streams.lobby.restart.delay": ":9:35",
		"streams.lobby.source": ":4:13", "streams.Test.2.params.x": ":10:3",
	} {
		if m := l.Wrong(path, "is wrong"); !strings.HasSuffix(m.Place, place) || m.Path != path {
			t.Errorf("%s: %v, want place %s", path, m, place)
		}
	}
}
