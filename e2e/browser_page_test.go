//go:build e2e

package e2e_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"weir/internal/webrtctest"
)

// said is what the page tells its user.
type said struct {
	Curtain   string // over the picture
	Announced string // to a screen reader
	Badge     string
	Again     bool // whether it offers to try again
}

func (s said) has(tb testing.TB, words ...string) {
	tb.Helper()
	for _, word := range words {
		if !strings.Contains(s.Curtain, word) {
			tb.Errorf("the page says %q, not %q", s.Curtain, word)
		}
	}
}

// clean is what every page must be: without script errors, and within its own policy.
type clean struct{ Violations []string }

func (c clean) judge(tb testing.TB) {
	tb.Helper()
	for _, violation := range c.Violations {
		tb.Error(violation)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", small(t))

	t.Run("stream missing", func(t *testing.T) {
		t.Parallel()
		var got struct {
			clean
			Said     said
			Posts    int // within 7 s
			Statuses []int
		}
		run(t, "behaviour.mjs", "missing", server.base).report(t, &got)
		got.judge(t)
		got.Said.has(t, "Nobody publishes “nobody” yet", "It begins here by itself")
		if got.Said.Badge != "Waiting" || !strings.Contains(got.Said.Announced, "Nobody publishes") {
			t.Errorf("%+v", got.Said)
		}
		if got.Posts > 4 || len(got.Statuses) != 1 || got.Statuses[0] != 409 {
			t.Errorf("%d answers in 7 s where the server asks to wait 2 s, statuses %v", got.Posts, got.Statuses)
		}
	})

	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		var got struct {
			clean
			Said said
		}
		run(t, "behaviour.mjs", "refused", server.base).report(t, &got)
		got.judge(t)
		got.Said.has(t, "in a format that this player does not take", "Publish H.264.", "VP8", "H265")
		if !got.Said.Again {
			t.Error("the page does not offer to try again")
		}
	})

	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		var got struct {
			clean
			Early, Said said
		}
		run(t, "behaviour.mjs", "unreachable", server.base).report(t, &got)
		got.judge(t)
		_, port, _ := strings.Cut(server.addr, ":")
		got.Early.has(t, "UDP port "+port, "192.0.2.77")
		got.Said.has(t, "No answer came from UDP port "+port+" at 192.0.2.77", "firewall", "Trying again in")
	})

	t.Run("keyboard", func(t *testing.T) {
		t.Parallel()
		type state struct{ Muted, Prompt, Figures bool }
		var got struct {
			clean
			Before, After state
			Announced     string
		}
		run(t, "behaviour.mjs", "keyboard", server.base).report(t, &got)
		got.judge(t)
		if want := (state{Muted: true, Prompt: true}); got.Before != want {
			t.Errorf("before %+v, want %+v", got.Before, want)
		}
		if want := (state{Figures: true}); got.After != want {
			t.Errorf("after %+v, want %+v", got.After, want)
		}
		if got.Announced != "Playing" {
			t.Errorf("announced %q", got.Announced)
		}
	})
}

func TestPageGivesItsSessionBack(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	const deleted = `method=DELETE path=/session/:secret status=200`

	t.Run("left", func(t *testing.T) {
		t.Parallel()
		server := start(t, build(t, "1"), "127.0.0.1:0", small(t))
		var got clean
		run(t, "behaviour.mjs", "leave", server.base).report(t, &got)
		got.judge(t)
		server.logged(t, deleted)
	})

	t.Run("kept and come back to", func(t *testing.T) {
		t.Parallel()
		webrtctest.Tries(t, func(t *webrtctest.Attempt) { // the browser gives a page up that takes long to go
			server := start(t.T, build(t.T, "1"), "127.0.0.1:0", small(t.T))
			var got struct {
				clean
				Kept, Persisted bool
			}
			run(t.T, "behaviour.mjs", "back", server.base).report(t.T, &got)
			got.judge(t.T)
			if !got.Kept || !got.Persisted {
				t.Errorf("kept %v, persisted %v: the page was made anew", got.Kept, got.Persisted)
			}
			server.logged(t.T, deleted)
			if n := strings.Count(server.log.String(), "method=POST path=/whep/:stream status=201"); n != 2 {
				t.Errorf("%d sessions, want 2", n)
			}
		})
	})
}

func TestPageRestartsICE(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", small(t))
	webrtctest.Tries(t, func(t *webrtctest.Attempt) { restartICE(t, server) })
}

func restartICE(t *webrtctest.Attempt, server *process) {
	t.Helper()
	var got struct {
		clean
		Over, Same, Renewed bool
		State               string
		States              []string
		Gap                 float64 // longest time without a picture, milliseconds
		Frames              int     // in the 2 s after
		Requests            []struct {
			Method  string
			Status  int
			Session bool
		}
	}
	run(t.T, "behaviour.mjs", "restart", server.base).report(t.T, &got)
	got.judge(t.T)
	if !got.Over || !got.Same || !got.Renewed || got.State != "playing" || len(got.States) != 0 {
		t.Errorf("over the new pair %v, same connection %v, new credentials %v, state %s after %v",
			got.Over, got.Same, got.Renewed, got.State, got.States)
	}
	if got.Gap > 2000 || got.Frames < 40 {
		t.Errorf("no picture for %.0f ms, %d frames in 2 s after it", got.Gap, got.Frames)
	}
	posts, restarts := 0, 0
	for _, request := range got.Requests {
		switch {
		case request.Method == http.MethodPost:
			posts++
		case request.Method == http.MethodPatch && request.Status == 200:
			restarts++
		case request.Method == http.MethodPatch && request.Status != 204:
			t.Errorf("PATCH: %d", request.Status)
		}
	}
	if posts != 1 || restarts != 1 {
		t.Errorf("%d sessions and %d restarts, want one of each", posts, restarts)
	}
	t.Logf("longest time without a picture %.0f ms", got.Gap)
}

func TestPageRestartsICEByItself(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", small(t))
	page := run(t, "behaviour.mjs", "pause", server.base)
	page.step(t, "playing")
	server.signal(t, syscall.SIGSTOP)
	page.proceed(t)
	page.step(t, "interrupted")
	server.signal(t, syscall.SIGCONT)
	page.proceed(t)
	var got struct {
		clean
		Said   said
		Same   bool
		States []string
	}
	page.report(t, &got)
	got.judge(t)
	got.Said.has(t, "The connection broke")
	if !got.Same {
		t.Errorf("a new session was made: %v", got.States)
	}
	server.logged(t, `method=PATCH path=/session/:secret status=200`)
}

func TestPageGoesOnWithoutRestart(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", small(t))
	var got struct {
		clean
		Same           bool
		State          string
		Refused, Posts int
	}
	run(t, "behaviour.mjs", "noRestart", server.base).report(t, &got)
	got.judge(t)
	if !got.Same || got.State != "playing" || got.Refused != 1 || got.Posts != 1 {
		t.Errorf("same connection %v, %s, %d restarts refused, %d sessions", got.Same, got.State, got.Refused, got.Posts)
	}
}

func TestModuleOnAnotherOriginsPage(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", small(t))
	var got struct {
		clean
		Origin, State, Closed string
		Kinds                 []string
		Tokens                [][2]string // method and Authorization of each request
	}
	run(t, "behaviour.mjs", "elsewhere", server.base).report(t, &got)
	got.judge(t)
	if got.Origin == server.base || got.State != "playing" || got.Closed != "closed" || !slices.Equal(got.Kinds, []string{"video"}) {
		t.Errorf("origin %s, %s and then %s, kinds %v", got.Origin, got.State, got.Closed, got.Kinds)
	}
	methods := make(map[string]bool)
	for _, request := range got.Tokens {
		if methods[request[0]] = true; request[1] != "Bearer T0ken" {
			t.Errorf("%s with Authorization %q", request[0], request[1])
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if !methods[method] {
			t.Errorf("no %s in %v", method, got.Tokens)
		}
	}
}

func TestFirefoxRestartsAndReconnects(t *testing.T) {
	t.Parallel()
	needs(t, firefox)
	webrtctest.Tries(t, firefoxLives)
}

func firefoxLives(t *webrtctest.Attempt) {
	program := build(t.T, "1")
	server := start(t.T, program, "127.0.0.1:0", small(t.T))
	page := run(t.T, "firefox-life.mjs", server.base)
	page.step(t.T, "restarted")
	server.logged(t.T, `method=PATCH path=/session/:secret status=200`)
	server.end(t.T, syscall.SIGTERM)
	start(t.T, program, server.addr, small(t.T))
	page.proceed(t.T)
	var got struct {
		Same    bool // the connection before and after the restart
		Noticed float64
		States  []string
	}
	page.report(t.T, &got)
	if !got.Same {
		t.Error("the restart made a new session")
	}
	if got.Noticed > 5000 {
		t.Errorf("noticed after %.0f ms that the server had ended the session", got.Noticed)
	}
	t.Logf("noticed after %.0f ms; %v", got.Noticed, got.States)
}

func TestPageReconnects(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	for name, signal := range map[string]os.Signal{"server ended": syscall.SIGTERM, "server killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := build(t, "1")
			server := start(t, program, "127.0.0.1:0", small(t))
			page := run(t, "behaviour.mjs", "reconnect", server.base)
			page.step(t, "playing")
			server.end(t, signal)
			page.proceed(t)
			page.step(t, "interrupted")
			start(t, program, server.addr, small(t))
			page.proceed(t)
			var got struct {
				clean
				Said said
				Back float64 // milliseconds from the server's return to a picture
			}
			page.report(t, &got)
			got.Said.has(t, "The server cannot be reached", "Trying again")
			got.judge(t)
			t.Logf("picture back after %.0f ms", got.Back)
		})
	}
}

// TestScreenshots writes what the page looks like to out/; a person looks at it.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("is for people: only when E2E_SOAK is set")
	}
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin)
	for _, shots := range []struct {
		script, more string
		count        int
	}{
		{"screenshots.mjs", "test", 16},
		{"screenshots.mjs", "nobody", 16},
		{"pageshots.mjs", "desktop-light", 11},
		{"pageshots.mjs", "desktop-dark", 11},
		{"pageshots.mjs", "zoomed-light", 11},
		{"pageshots.mjs", "zoomed-dark", 11},
		{"pageshots.mjs", "phone-light", 11},
		{"pageshots.mjs", "phone-dark", 11},
		{"sourceshots.mjs", "desktop-light", 19},
		{"sourceshots.mjs", "desktop-dark", 19},
		{"sourceshots.mjs", "phone-light", 19},
		{"sourceshots.mjs", "phone-dark", 19},
	} {
		var got struct{ Files []string }
		run(t, shots.script, server.base, "out", adminToken, shots.more).report(t, &got)
		if len(got.Files) != shots.count {
			t.Errorf("%s %s: %d pictures", shots.script, shots.more, len(got.Files))
		}
		for _, file := range got.Files {
			if info, err := os.Stat(file); err != nil || info.Size() < 5_000 {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
