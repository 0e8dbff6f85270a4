package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"weir/internal/wish"
	"weir/session/negotiate"
)

// generation is one ICE session of a Session (RFC 8445 2.6): what both ends
// said of it. Only the PATCH at work changes it, under Session.mu.
type generation struct {
	etag string

	ufrag, pwd string // ours
	local      []string
	more       bool // of them may come

	remoteUfrag, remotePwd string
	candidates             map[string]bool // the player's, by key

	left      []string // the player's ufrags of the generations before, newest last
	restarted *restart // nil in the first generation
}

// restart is what is needed to answer the same restart again, if the reply was
// lost.
type restart struct {
	candidates map[string]bool // of the fragment, by key
	ended      bool            // the fragment said end-of-candidates
	reply      wish.Patched
}

// maxLeft is how many ICE sessions that a player has left are remembered, so
// that a fragment which was on the way meanwhile does not bring one back.
const maxLeft = 8

// patch does one PATCH whose precondition is not missing.
func (s *Session) patch(ctx context.Context, match wish.Match, f wish.Fragment) (wish.Patched, error) {
	return s.alone(ctx, func() (wish.Patched, error) {
		now := s.generation()
		if !match.Matches(now.etag) {
			return wish.Patched{}, refusePrecondition()
		}
		switch {
		case s.plan.GivenUp(f.Ufrag):
			return wish.Patched{}, nil // of a transport that bundling gave up
		case slices.Contains(now.left, f.Ufrag):
			return wish.Patched{}, refuseCredentials("The fragment is of an ICE session that a restart has replaced.")
		case f.Ufrag != "" && f.Ufrag != now.remoteUfrag:
			return s.restartICE(ctx, f)
		}
		if match.Any() && s.repeats(now, f) {
			return now.restarted.reply, nil
		}
		return wish.Patched{}, s.trickle(now, f)
	})
}

// Trickle adds the fragment's candidates to the current ICE session (RFC 8838).
// Those that cannot be used are dropped without a word.
func (s *Session) Trickle(f wish.Fragment) error {
	_, err := s.alone(context.Background(), func() (wish.Patched, error) {
		return wish.Patched{}, s.trickle(s.generation(), f)
	})
	return err
}

// Restart restarts ICE with the fragment's credentials and candidates (RFC 8840
// 4.4, RFC 9725 4.3.3) and returns what the player has to know. A restart that is
// refused leaves the current ICE session as it is.
func (s *Session) Restart(ctx context.Context, f wish.Fragment) (wish.Patched, error) {
	return s.alone(ctx, func() (wish.Patched, error) { return s.restartICE(ctx, f) })
}

// alone runs one PATCH at a time, and none on a session that has ended.
func (s *Session) alone(ctx context.Context, patch func() (wish.Patched, error)) (patched wish.Patched, err error) {
	select {
	case s.patching <- struct{}{}:
		defer func() { <-s.patching }()
	case <-s.stop:
		return wish.Patched{}, refuseNoSession(s.Reason())
	case <-ctx.Done():
		return wish.Patched{}, fmt.Errorf("wait for another PATCH: %w", ctx.Err())
	}
	select {
	case <-s.stop:
		return wish.Patched{}, refuseNoSession(s.Reason())
	default:
	}
	defer func() {
		if p := recover(); p != nil {
			s.logger.Error("fragment made the WebRTC stack panic", "err", fmt.Sprint(p))
			s.end(ReasonFailed)
			err = errors.New("a panic in the WebRTC stack, which was logged")
		}
	}()
	return patch()
}

// generation is a copy of the current one.
func (s *Session) generation() generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ice
}

// repeats says whether the fragment is the last restart's once more: the same
// credentials, and nothing new.
func (s *Session) repeats(now generation, f wish.Fragment) bool {
	last := now.restarted
	if last == nil || f.Ufrag != now.remoteUfrag || f.Pwd != now.remotePwd || f.Ended() && !last.ended {
		return false
	}
	candidates, ufrags := s.usable(f.Candidates())
	if slices.ContainsFunc(ufrags, func(u string) bool { return u != now.remoteUfrag }) {
		return false
	}
	return !slices.ContainsFunc(candidates, func(c negotiate.Candidate) bool { return !last.candidates[c.Key] })
}

func (s *Session) trickle(now generation, f wish.Fragment) error {
	if f.Ufrag != "" && f.Ufrag != now.remoteUfrag {
		return refuseGeneration(clip(f.Ufrag), clip(now.remoteUfrag))
	}
	if f.Pwd != "" && f.Pwd != now.remotePwd {
		return refuseCredentials("The pwd is not that of the session, and the ufrag is not a new one.")
	}
	candidates, ufrags := s.usable(f.Candidates())
	for _, ufrag := range ufrags {
		if ufrag != now.remoteUfrag {
			return refuseGeneration(clip(ufrag), clip(now.remoteUfrag))
		}
	}
	candidates = slices.DeleteFunc(candidates, func(c negotiate.Candidate) bool { return now.candidates[c.Key] })
	if len(now.candidates)+len(candidates) > s.manager.options.MaxCandidates {
		return refuseTooManyCandidates()
	}
	for _, c := range candidates {
		if err := s.conn.Add(c.Line); err != nil {
			s.logger.Debug("candidate not taken", "err", err)
		}
	}
	set := maps.Clone(now.candidates)
	maps.Copy(set, keys(candidates))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ice.candidates = set
	return nil
}

// restartICE looks at everything first, because pion drops the old ICE session
// at once.
func (s *Session) restartICE(ctx context.Context, f wish.Fragment) (wish.Patched, error) {
	now := s.generation()
	switch {
	case f.Pwd == "":
		return wish.Patched{}, refuseCredentials(
			fmt.Sprintf("The fragment is of ufrag %s, session has %s; a new one comes with a pwd.", clip(f.Ufrag), clip(now.remoteUfrag)))
	case f.Ufrag == now.remoteUfrag:
		return wish.Patched{}, refuseCredentials("The ufrag is not a new one.")
	case !negotiate.ValidCredentials(f.Ufrag, f.Pwd):
		return wish.Patched{}, refuseCredentials("The ufrag or the pwd is too short, too long, or has characters that they cannot have.")
	}
	candidates, ufrags := s.usable(f.Candidates())
	for _, ufrag := range ufrags {
		if ufrag != f.Ufrag {
			return wish.Patched{}, refuseGeneration(clip(ufrag), clip(f.Ufrag))
		}
	}
	if len(candidates) > s.manager.options.MaxCandidates {
		return wish.Patched{}, refuseTooManyCandidates()
	}
	select {
	case <-s.conn.Checking():
	case <-s.stop:
		return wish.Patched{}, refuseNoSession(s.Reason())
	}
	// From here on it is done even if the client has gone: it may ask again.
	if err := s.negotiate(context.WithoutCancel(ctx), f.Ufrag, f.Pwd, candidates); err != nil {
		if s.over() {
			return wish.Patched{}, refuseNoSession(s.Reason())
		}
		s.logger.Error("ice restart failed", "err", err)
		s.end(ReasonFailed)
		return wish.Patched{}, err
	}
	s.logger.Info("ice restarted")
	return s.restarted(f, candidates), nil
}

// over says whether the session has ended, or is about to because the player has
// closed DTLS.
func (s *Session) over() bool {
	select {
	case <-s.stop:
		return true
	default:
	}
	if !s.conn.Closed() {
		return false
	}
	s.end(ReasonPeer)
	return true
}

// restarted notes the new generation and makes the reply.
func (s *Session) restarted(f wish.Fragment, candidates []negotiate.Candidate) wish.Patched {
	accepted := s.plan.Accepted()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ice.etag = newETag()
	left := append(slices.Clone(s.ice.left), s.ice.remoteUfrag)
	s.ice.left = left[max(0, len(left)-maxLeft):]
	s.ice.remoteUfrag, s.ice.remotePwd = f.Ufrag, f.Pwd
	s.ice.candidates = keys(candidates)
	reply := wish.Patched{ETag: s.ice.etag, Restart: &wish.Fragment{
		Ufrag:   s.ice.ufrag,
		Pwd:     s.ice.pwd,
		Options: negotiate.ICEOptions,
		Sections: []wish.FragmentSection{{
			Media:           accepted[0].Kind,
			Mid:             accepted[0].Mid,
			Candidates:      s.ice.local,
			EndOfCandidates: true,
		}},
	}}
	s.ice.restarted = &restart{candidates: keys(candidates), ended: f.Ended(), reply: reply}
	return reply
}

// clip is a stranger's token as it may stand in a reply.
func clip(s string) string {
	if isICEChars(s, 1, 32) {
		return s
	}
	return "(not shown)"
}

// isICEChars says whether s consists of ice-char (RFC 8839 5.4) and has between
// least and most of them.
func isICEChars(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for _, r := range []byte(s) {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z'
		if !letter && (r < '0' || r > '9') && r != '+' && r != '/' {
			return false
		}
	}
	return true
}
