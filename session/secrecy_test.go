package session_test

import (
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"weir/internal/wish"
	"weir/session"
)

// Nothing that opens a door stands in the log, at any level: a session's
// secret, ICE passwords and ufrags, SDP.
func TestLogTellsNoSecrets(t *testing.T) {
	g := newGateway(t, session.Options{})
	var secrets []string
	p, s, answer := g.join(t, playerOptions{})
	secrets = append(append(secrets, s.Secret()), s.Credentials()...)
	p.plays(t)
	f := frag(p.offer(t, playerOptions{}, true))
	patched, err := g.patch(s, match(t, "*"), f)
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, s.Credentials()...)
	p.accept(t, restarted(answer, *patched.Restart))
	p.plays(t)
	bad := f
	bad.Pwd = strings.Repeat("bad", 10)
	if _, err := g.patch(s, match(t, "*"), bad); err == nil {
		t.Error("another pwd was taken")
	}
	secrets = append(secrets, bad.Pwd)
	for _, stale := range []wish.Fragment{
		{Ufrag: "withoutpwd"},
		{Sections: []wish.FragmentSection{{Candidates: []string{"candidate:1 1 udp 1 192.0.2.77 9 typ host ufrag otherufrag"}}}},
	} {
		if _, err := g.patch(s, match(t, "*"), stale); err == nil {
			t.Error("another ufrag was taken")
		}
	}
	secrets = append(secrets, "withoutpwd", "otherufrag")
	// Connectivity checks with credentials of a session that is no more.
	stranger := newPlayer(t, playerOptions{settings: func(e *webrtc.SettingEngine) {
		e.SetICECredentials("strangersufrag", strings.Repeat("strangerspwd", 3))
	}})
	stranger.offer(t, playerOptions{}, false)
	stranger.accept(t, strings.ReplaceAll(answer, value(answer, "a=ice-pwd:"), strings.Repeat("w", 24)))
	secrets = append(secrets, "strangersufrag", strings.Repeat("w", 24), "strangerspwd")
	p.plays(t)
	p.close()
	<-s.Done()

	text := g.logs.String()
	for _, line := range []string{"patch refused", "session connected", "ice restarted", "session ended", "pion"} {
		if !strings.Contains(text, line) {
			t.Errorf("the log has no %q: it is not the one of this test\n%s", line, text)
		}
	}
	secrets = append(secrets, "a=", "m=audio")
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
