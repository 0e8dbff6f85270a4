package session

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// Append is the session's outlet's, for measuring. It is the worker's alone
// otherwise: the stream must be quiet.
func (s *Session) Append(h *rtp.Header, payload []byte) stream.DropReason {
	return s.flow.(*playback).sender.Append(h, payload) //nolint:errcheck // a player's session
}

// Report is the same for a sender report.
func (s *Session) Report(sr *rtcp.SenderReport) {
	s.flow.(*playback).sender.Report(sr) //nolint:errcheck // same
}

// SSRC is that of the session's first stream.
func (s *Session) SSRC() uint32 {
	return s.flow.sections()[0].SSRC
}

// Credentials are both ends' ICE passwords and ufrags.
func (s *Session) Credentials() []string {
	now := s.generation()
	return []string{now.ufrag, now.pwd, now.remoteUfrag, now.remotePwd}
}

// SettleSoon makes sessions count as settled after a moment.
func (o *Options) SettleSoon() { o.settle = 50 * time.Millisecond }

// Places is how many sessions count against the limits.
func (m *Manager) Places() int { return m.limits.Places() }

// OpenConns is how many sockets the session has a share of.
func (s *Session) OpenConns() int {
	return s.conn.Sockets()
}

// Candidates are how many the other end has in the current ICE session.
func (s *Session) Candidates() int { return len(s.generation().candidates) }
