//go:build e2e

package e2e_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	adminToken = "admin-token-of-the-tests"
	playToken  = "play-token-of-the-tests"
	withAdmin  = "WEIR_ADMIN_TOKEN=" + adminToken
	withPlay   = "WEIR_PLAY_TOKEN=" + playToken
)

// TestEmbed looks at the picture that a browser source shows, in a window that is higher than it.
func TestEmbed(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, small(t))
	type alpha struct{ Top, Bottom, Corner, Middle, Left, Most int }
	var got struct {
		clean
		Waiting, Playing, Filled alpha
		Facts                    struct {
			Controls   int
			Muted      bool
			Words, Fit string
		}
		Settings struct {
			Muted bool
			Kinds []string
		}
	}
	run(t, "embed.mjs", "alone", server.base).report(t, &got)
	got.judge(t)
	if got.Waiting != (alpha{}) {
		t.Errorf("something is shown while nothing plays: alpha %+v", got.Waiting)
	}
	if want := (alpha{Middle: 255, Left: 255, Most: 255}); got.Playing != want {
		t.Errorf("alpha around and in the picture %+v, want %+v", got.Playing, want)
	}
	if want := (alpha{255, 255, 255, 255, 255, 255}); got.Filled != want {
		t.Errorf("with fit=cover alpha %+v, want %+v", got.Filled, want)
	}
	if got.Facts.Controls != 0 || got.Facts.Muted || got.Facts.Words != "test" || got.Facts.Fit != "contain" {
		t.Errorf("%+v", got.Facts)
	}
	if !got.Settings.Muted || !slices.Equal(got.Settings.Kinds, []string{"video"}) {
		t.Errorf("muted and only=video: %+v", got.Settings)
	}
}

func TestEmbedSurvivesRestarts(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	program := build(t, "1")
	server := start(t, program, "127.0.0.1:0", withAdmin, small(t))
	page := run(t, "embed.mjs", "restarts", server.base)
	for n, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGTERM} {
		number := string(rune('1' + n))
		page.step(t, "playing "+number)
		server.end(t, signal)
		page.proceed(t)
		page.step(t, "gone "+number)
		server = start(t, program, server.addr, withAdmin, small(t))
		page.proceed(t)
	}
	var got clean
	page.report(t, &got)
	got.judge(t)
}

func TestShare(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, small(t))
	type shared struct {
		Open                    bool
		Link, OBS, Embed, Frame string
	}
	var got struct {
		clean
		Address, QR, Copied string
		Plain, Secret       shared
		Closed              struct{ Open, Left bool }
	}
	run(t, "player.mjs", "share", server.base, adminToken).report(t, &got)
	got.judge(t)
	link, obs := server.base+"/watch/test", server.base+"/embed/test"
	if got.Address != link {
		t.Errorf("the address is %s", got.Address)
	}
	if p := got.Plain; !p.Open || p.Link != link || p.OBS != obs || p.Frame != obs || strings.Contains(p.Embed, "token") {
		t.Errorf("%+v", got.Plain)
	}
	if got.QR != link || got.Copied != link {
		t.Errorf("the QR code says %q, the clipboard %q", got.QR, got.Copied)
	}
	fragment := "#token=" + adminToken
	if s := got.Secret; s.Link != link+fragment || s.OBS != obs+fragment || s.Frame != obs+fragment {
		t.Errorf("with the token %+v", got.Secret)
	}
	if got.Closed.Open || got.Closed.Left {
		t.Errorf("closed: %+v", got.Closed)
	}
}

func TestWatchWhereATokenIsNeeded(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, withPlay, small(t))
	var got struct {
		clean
		Missing, Wrong, Address string
	}
	run(t, "player.mjs", "token", server.base, playToken).report(t, &got)
	got.judge(t)
	if !strings.Contains(got.Missing, "A token is needed") || got.Address != server.base+"/watch/test" {
		t.Errorf("%+v", got)
	}
	if log := server.log.String(); strings.Contains(log, playToken) {
		t.Error("the token stands in the log")
	}
}

func TestPictureInPicture(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, small(t))
	type button struct {
		Hidden, Disabled bool
		Pressed          string
	}
	var got struct {
		clean
		Entered        bool
		Before, During button
	}
	run(t, "player.mjs", "pip", server.base).report(t, &got)
	got.judge(t)
	if want := (button{Pressed: "false"}); got.Before != want {
		t.Errorf("before %+v", got.Before)
	}
	if want := (button{Pressed: "true"}); !got.Entered || got.During != want {
		t.Errorf("entered %v, %+v", got.Entered, got.During)
	}
}

func TestFullScreenByKey(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, small(t))
	var got struct {
		clean
		States []string
	}
	run(t, "player.mjs", "fullscreen", server.base).report(t, &got)
	got.judge(t)
	if want := []string{"", "stage", "", ""}; !slices.Equal(got.States, want) {
		t.Errorf("what fills the screen was %q, want %q", got.States, want)
	}
}

func TestElementOnAnotherOriginsPage(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, small(t))
	type facts struct {
		State, Headline, Font    string
		Muted, Controls, Curtain bool
		Width                    int
	}
	var got struct {
		clean
		Played, Missing, Again facts
		Moved                  bool
		Events                 []string
		Stopped                struct{ Player, Element string }
	}
	run(t, "player.mjs", "element", server.base).report(t, &got)
	got.judge(t)
	if p := got.Played; !p.Muted || p.Controls || p.Font != "600" {
		t.Errorf("playing: %+v", p)
	}
	if m := got.Missing; !m.Curtain || !m.Controls || !strings.Contains(m.Headline, "“nobody”") {
		t.Errorf("nobody publishes: %+v", m)
	}
	if !got.Moved || !slices.Contains(got.Events, "playing") || !slices.Contains(got.Events, "waiting") {
		t.Errorf("moved %v, events %v", got.Moved, got.Events)
	}
	if got.Stopped.Player != "closed" || got.Stopped.Element != "idle" {
		t.Errorf("taken out of the page: %+v", got.Stopped)
	}
}

func TestModuleUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, small(t))
	var got struct {
		clean
		Words string
	}
	run(t, "player.mjs", "module", server.base).report(t, &got)
	got.judge(t)
	if got.Words != "playing" {
		t.Errorf("the page says %q", got.Words)
	}
}
