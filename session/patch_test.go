package session_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/wish"
	"weir/session"
)

var strong = regexp.MustCompile(`^"[!#-~]+"$`)

func (g *gateway) patch(s *session.Session, m wish.Match, f wish.Fragment) (wish.Patched, error) {
	return g.Patch(context.Background(), s.Secret(), m, f)
}

func TestTrickle(t *testing.T) {
	g := newGateway(t, session.Options{})
	for _, tag := range []string{"*", `"*"`, "etag"} {
		t.Run(tag, func(t *testing.T) {
			o := playerOptions{trickle: true}
			p := newPlayer(t, o)
			offer := p.offer(t, o, false)
			f := frag(p.pc.LocalDescription().SDP)
			s, answer, err := g.Egress(context.Background(), g.request(offer))
			if err != nil {
				t.Fatal(err)
			}
			if tag == "etag" {
				tag = s.ETag()
			}
			p.accept(t, without(answer, "a=candidate:")) // the player cannot begin: our checks must
			f.Sections[0].Candidates = append([]string{
				"candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
				"candidate:1 1 sctp 1 192.0.2.1 9 typ host",
				"candidate:1 1 udp 1 4c5ad0cf-6b63-4f5b-a5d0-2f3b6f1f5a11.local 9 typ host",
				"candidate:1 1 udp 1 unknown.invalid 9 typ host",
				"candidate:1 1 udp 1 fe80::1 9 typ host",
				"candidate:junk",
			}, f.Sections[0].Candidates...)
			patched, err := g.patch(s, match(t, tag), f)
			if err != nil || patched.Restart != nil || patched.ETag != "" {
				t.Fatalf("patched %+v, %v", patched, err)
			}
			p.plays(t)
		})
	}
}

// An offer has no more candidates than a player may have: the first of them.
func TestCandidatesOfAnOffer(t *testing.T) {
	g := newGateway(t, session.Options{MaxCandidates: 2})
	o := playerOptions{trickle: true}
	offer := newPlayer(t, o).offer(t, o, false)
	for i := range 5 {
		offer = strings.Replace(offer, "a=ice-pwd", fmt.Sprintf("a=candidate:1 1 udp 1 192.0.2.77 %d typ host\r\na=ice-pwd", 9+i), 1)
	}
	s, _, err := g.Egress(context.Background(), g.request(offer))
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Candidates(); n != 2 {
		t.Errorf("%d candidates", n)
	}
}

func TestPreconditions(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	if !strong.MatchString(s.ETag()) {
		t.Errorf("entity-tag %s", s.ETag())
	}
	f := frag(p.pc.LocalDescription().SDP)
	_, err := g.patch(s, wish.Match{}, f)
	refusal(t, err, 428, "if_match_missing")
	_, err = g.patch(s, match(t, `"nonsense"`), f)
	refusal(t, err, 412, "etag_mismatch")
	_, err = g.patch(s, match(t, "W/"+s.ETag()), f)
	refusal(t, err, 412, "etag_mismatch")
	_, err = g.Patch(context.Background(), strings.Repeat("0", 32), match(t, "*"), f)
	refusal(t, err, 404, "no_such_session")

	fresh := "candidate:1 1 udp 1 192.0.2.77 %d typ host"
	many := wish.Fragment{Sections: []wish.FragmentSection{{}}}
	for port := range 101 {
		many.Sections[0].Candidates = append(many.Sections[0].Candidates, fmt.Sprintf(fresh, port+1))
	}
	_, err = g.patch(s, match(t, s.ETag()), many)
	refusal(t, err, 422, "too_many_candidates")

	for name, change := range map[string]func(*wish.Fragment){
		"ufrag without pwd": func(f *wish.Fragment) { f.Ufrag, f.Pwd = "newufrag", "" },
		"pwd alone":         func(f *wish.Fragment) { f.Ufrag, f.Pwd = "", strings.Repeat("p", 24) },
		"same ufrag":        func(f *wish.Fragment) { f.Pwd = strings.Repeat("p", 24) },
		"short ufrag":       func(f *wish.Fragment) { f.Ufrag, f.Pwd = "ab", strings.Repeat("p", 24) },
		"short pwd":         func(f *wish.Fragment) { f.Ufrag, f.Pwd = "newufrag", "short" },
		"long pwd":          func(f *wish.Fragment) { f.Ufrag, f.Pwd = "newufrag", strings.Repeat("p", 257) },
		"no ice-char":       func(f *wish.Fragment) { f.Ufrag, f.Pwd = "new ufrag", strings.Repeat("p", 24) },
	} {
		bad := f
		change(&bad)
		_, err := g.patch(s, match(t, "*"), bad)
		if r := refusal(t, err, 422, "ice_credentials"); strings.Contains(r.Detail, f.Pwd) {
			t.Errorf("%s: the detail tells the password", name)
		}
	}
	stale := f
	stale.Sections = []wish.FragmentSection{{Candidates: []string{"candidate:1 1 udp 1 192.0.2.77 9 typ host ufrag other"}}}
	_, err = g.patch(s, match(t, "*"), stale)
	r := refusal(t, err, 422, "ice_ufrag_mismatch")
	if want := "ufrag other, session has " + f.Ufrag; !strings.Contains(r.Detail, want) {
		t.Errorf("detail %q, want %q", r.Detail, want)
	}
	p.plays(t) // none of it has harmed the session
}

func TestRestart(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, answer := g.join(t, playerOptions{})
	p.plays(t)
	first := s.ETag()
	for round := range 3 {
		offer := p.offer(t, playerOptions{}, true)
		f := frag(offer)
		tag := "*"
		if round == 1 {
			tag = s.ETag()
		}
		patched, err := g.patch(s, match(t, tag), f)
		if err != nil || patched.Restart == nil {
			t.Fatalf("restart %d: %+v, %v", round, patched, err)
		}
		if !strong.MatchString(patched.ETag) || patched.ETag == first || patched.ETag != s.ETag() {
			t.Errorf("entity-tag %s after %s", patched.ETag, first)
		}
		if patched.Restart.Options != value(answer, "a=ice-options:") {
			t.Errorf("ice-options %q, in the answer %q", patched.Restart.Options, value(answer, "a=ice-options:"))
		}
		if len(patched.Restart.Candidates()) == 0 || !patched.Restart.Ended() || patched.Restart.Ufrag == value(answer, "a=ice-ufrag:") {
			t.Errorf("reply\n%s", patched.Restart)
		}
		// The reply was lost: the same again.
		again, err := g.patch(s, match(t, "*"), f)
		if err != nil {
			t.Fatalf("repeat: %v", err)
		}
		if diff := cmp.Diff(patched, again); diff != "" {
			t.Errorf("the repeated restart got another reply (-first +second):\n%s", diff)
		}
		_, err = g.patch(s, match(t, first), f)
		refusal(t, err, 412, "etag_mismatch")
		first = s.ETag()
		p.accept(t, restarted(answer, *patched.Restart))
		p.plays(t)
	}
	if len(g.Sessions()) != 1 || s.Reason() != "" {
		t.Errorf("%d sessions, reason %q", len(g.Sessions()), s.Reason())
	}
	// More candidates of the current generation are no repetition.
	f := frag(p.pc.LocalDescription().SDP)
	f.Sections[0].Candidates = []string{"candidate:1 1 udp 1 192.0.2.77 9 typ host"}
	if patched, err := g.patch(s, match(t, "*"), f); err != nil || patched.Restart != nil {
		t.Errorf("trickle after the restart: %+v, %v", patched, err)
	}
}

// restarted is the answer with what the restart's reply says.
func restarted(answer string, f wish.Fragment) string {
	var lines []string
	for line := range strings.Lines(without(answer, "a=candidate:", "a=end-of-candidates")) {
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			line = "a=ice-ufrag:" + f.Ufrag + "\r\n"
		case strings.HasPrefix(line, "a=ice-pwd:"):
			line = "a=ice-pwd:" + f.Pwd + "\r\n"
			for _, c := range f.Candidates() {
				if len(lines) > 0 && strings.Contains(strings.Join(lines, ""), "m=") {
					line += "a=" + c + "\r\n"
				}
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// Restarts that overlap: one wins, the entity-tag of the other is refused, and
// the session has one consistent state in the end (xx-107).
func TestOverlappingPatches(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	tag := match(t, s.ETag())
	const n = 8
	var wg sync.WaitGroup
	results := make([]error, n)
	tags := make([]string, n)
	for i := range n {
		wg.Go(func() {
			f := wish.Fragment{Ufrag: fmt.Sprintf("ufrag%d", i), Pwd: strings.Repeat("p", 24)}
			patched, err := g.patch(s, tag, f)
			results[i], tags[i] = err, patched.ETag
		})
	}
	wg.Wait()
	won := 0
	for i, err := range results {
		var r *wish.Refusal
		switch {
		case err == nil:
			won++
			if tags[i] != s.ETag() {
				t.Errorf("entity-tag %s, the winner got %s", s.ETag(), tags[i])
			}
		case !errors.As(err, &r) || r.Status != 412:
			t.Errorf("loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d restarts with the same entity-tag were done", won, n)
	}
}

// A player may offer a transport for each section, and trickle those that
// bundling gives up too: what it says of them is dropped, and restarts nothing.
func TestOtherTransports(t *testing.T) {
	g := newGateway(t, session.Options{})
	o := playerOptions{trickle: true}
	p := newPlayer(t, o)
	offer := p.offer(t, o, false)
	first := frag(p.pc.LocalDescription().SDP)
	at := strings.LastIndex(offer, "m=")
	offer = offer[:at] + strings.NewReplacer(first.Ufrag, "givenup", first.Pwd, strings.Repeat("g", 24)).Replace(offer[at:])
	s, answer, err := g.Egress(context.Background(), g.request(offer))
	if err != nil {
		t.Fatal(err)
	}
	tag := s.ETag()
	p.accept(t, without(answer, "a=candidate:"))
	second := wish.Fragment{Ufrag: "givenup", Pwd: strings.Repeat("g", 24), Sections: []wish.FragmentSection{
		{Media: "video", Mid: "1", Candidates: []string{"candidate:1 1 udp 1 192.0.2.77 9 typ host ufrag givenup"}, EndOfCandidates: true},
	}}
	mixed := wish.Fragment{Sections: append(second.Sections, first.Sections...)}
	for name, f := range map[string]wish.Fragment{"the other alone": second, "both": mixed} {
		for _, m := range []string{"*", tag} {
			if patched, err := g.patch(s, match(t, m), f); err != nil || patched.Restart != nil {
				t.Errorf("%s, If-Match %s: %+v, %v", name, m, patched, err)
			}
		}
	}
	p.plays(t)
	_, err = g.patch(s, match(t, `"stale"`), second)
	refusal(t, err, 412, "etag_mismatch")
	if patched, err := g.patch(s, match(t, "*"), frag(p.offer(t, o, true))); err != nil || patched.Restart == nil {
		t.Fatalf("restart: %+v, %v", patched, err)
	} else {
		tag = patched.ETag
		p.accept(t, restarted(answer, *patched.Restart))
	}
	if patched, err := g.patch(s, match(t, "*"), second); err != nil || patched.Restart != nil || s.ETag() != tag {
		t.Errorf("after a restart: %+v, %v", patched, err)
	}
	p.plays(t)
}

// A fragment that was on the way during a restart does not bring the ICE session
// back that the player has left.
func TestLateFragment(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, answer := g.join(t, playerOptions{})
	p.plays(t)
	late := frag(p.pc.LocalDescription().SDP)
	patched, err := g.patch(s, match(t, "*"), frag(p.offer(t, playerOptions{}, true)))
	if err != nil {
		t.Fatal(err)
	}
	p.accept(t, restarted(answer, *patched.Restart))
	_, err = g.patch(s, match(t, "*"), late)
	refusal(t, err, 422, "ice_credentials")
	p.plays(t)
}

// A restart may have what an offer may have, beyond RFC 8839's ice-char too.
func TestRestartAlphabet(t *testing.T) {
	g := newGateway(t, session.Options{})
	_, s, _ := g.join(t, playerOptions{})
	f := wish.Fragment{Ufrag: "with-dash_", Pwd: strings.Repeat("p-", 12)}
	if patched, err := g.patch(s, match(t, "*"), f); err != nil || patched.Restart == nil {
		t.Errorf("restart: %+v, %v", patched, err)
	}
}

// A restart that meets the session's end finds no session, and is nobody's
// fault.
func TestRestartMeetsEnd(t *testing.T) {
	g := newGateway(t, session.Options{})
	for i := range 20 {
		p, s, _ := g.join(t, playerOptions{})
		if i%2 == 0 {
			p.plays(t)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := range 3 { // none of them connects again
				_, err := g.patch(s, match(t, "*"), wish.Fragment{Ufrag: fmt.Sprintf("ufrag%d", n), Pwd: strings.Repeat("p", 24)})
				var r *wish.Refusal
				if errors.As(err, &r) && r.Code == "no_such_session" {
					return
				}
				if err != nil {
					t.Errorf("restart: %v", err)
					return
				}
			}
		})
		if i%2 == 0 {
			p.close() // who may no longer be heard
		}
		s.Close(session.ReasonDeleted)
		wg.Wait()
		<-s.Done()
		if r := s.Reason(); r == session.ReasonFailed {
			t.Errorf("ended with %s", r)
		}
	}
	if strings.Contains(g.logs.String(), "level=ERROR") {
		t.Error("an error is logged")
	}
}

// A restart before ICE has connected counts like any other.
func TestEarlyRestart(t *testing.T) {
	g := newGateway(t, session.Options{})
	for range 5 {
		p := newPlayer(t, playerOptions{})
		s, answer, err := g.Egress(context.Background(), g.request(p.offer(t, playerOptions{}, false)))
		if err != nil {
			t.Fatal(err)
		}
		patched, err := g.patch(s, match(t, "*"), wish.Fragment{Ufrag: "never", Pwd: strings.Repeat("r", 24)})
		if err != nil {
			t.Fatal(err)
		}
		p.accept(t, restarted(answer, *patched.Restart))
		patched, err = g.patch(s, match(t, patched.ETag), frag(p.offer(t, playerOptions{}, true)))
		if err != nil {
			t.Fatal(err)
		}
		p.accept(t, restarted(answer, *patched.Restart))
		p.plays(t)
		s.Close(session.ReasonDeleted)
	}
}
