package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// What a token is revoked or rotated under ends at once, and only that: who plays,
// who publishes, who follows the events. Who plays without one goes when playing
// needs one.
func TestRevokeEndsSessions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	add := func(name, right string) (field []string) {
		t.Helper()
		secret, _, err := weirToken(t, stateIn(dir), "add", name, right)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"Authorization", "Bearer " + strings.TrimSpace(secret)}
	}
	studio, boss, other := add("studio", "publish"), add("boss", "administer"), add("other", "publish")
	p := startWith(t, newOutput(), stateIn(dir))
	play := func(field []string) *webrtctest.Player {
		t.Helper()
		player, err := webrtctest.Play(t.Context(), p.url+"/whep/test", webrtctest.Options{Fields: field, NoAudio: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = player.Close() }) // the server may have ended it
		return player
	}
	publish := func(name string, field []string) {
		t.Helper()
		publisher, err := webrtctest.Publish(t.Context(), p.url+"/whip/"+name, webrtctest.PublishOptions{Fields: field, NoAudio: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = publisher.Close() })
	}
	ended := func(reason string, want int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		if err := webrtctest.Wait(ctx, func() string {
			if n := len(regexp.MustCompile(`msg="session ended".* reason=`+reason).FindAllString(p.stderr.String(), -1)); n != want {
				return fmt.Sprintf("%d sessions ended with %s, want %d", n, reason, want)
			}
			return ""
		}); err != nil {
			t.Fatal(err)
		}
	}
	play(nil)
	publish("one", studio)
	publish("two", other)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/v1/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(boss[0], boss[1])
	events, err := http.DefaultClient.Do(request)
	if err != nil || events.StatusCode != http.StatusOK {
		t.Fatal(err, events)
	}
	defer func() { _ = events.Body.Close() }()

	lounge := add("lounge", "play")
	ended("playing_closed", 1)
	play(lounge)
	change := func(verb, name string) {
		t.Helper()
		if _, _, err := weirToken(t, stateIn(dir), verb, name); err != nil {
			t.Fatal(err)
		}
	}
	change("rotate", "studio")
	ended("token_revoked", 1)
	change("revoke", "boss")
	begun := time.Now()
	followed, err := io.ReadAll(events.Body)
	if err != nil || !strings.Contains(string(followed), `"reason":"token_revoked"`) {
		t.Errorf("%v %s", err, followed)
	}
	webrtctest.InTime(t, "the event stream ends", time.Since(begun), 5*time.Second)
	change("revoke", "lounge") // playing is open to everybody again
	ended("token_revoked", 2)
	if n := strings.Count(p.stderr.String(), "session ended"); n != 3 {
		t.Errorf("%d sessions ended, want 3: the other goes on\n%s", n, p.stderr)
	}
}
