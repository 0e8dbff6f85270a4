package session

import "time"

// consent notes when the other end has last agreed to be sent to: by an
// authenticated answer to a check of ours on the candidate pair in use (RFC 7675
// 5.1). Other packets say nothing of it, and pion takes them for a sign. That does for
// a publisher, who is sent no media.
type consent struct {
	answers uint64 // in all, at the last look
	at      time.Time
}

// looks is how often consent is looked at before it expires.
const looks = 15

// expired says whether there was no answer for the limit. Where no pair is in use,
// nothing is sent.
func (c *consent) expired(now time.Time, answers uint64, inUse bool, limit time.Duration) bool {
	if !inUse || answers != c.answers || c.at.IsZero() {
		c.answers, c.at = answers, now
		return false
	}
	return now.Sub(c.at) >= limit
}

// checkConsent ends the session in time: an answer is seen up to one look late.
func (s *Session) checkConsent() {
	if s.plan.Ingest || !s.connected.Load() {
		return
	}
	limit := s.manager.options.Consent
	answers, inUse := s.conn.Answers()
	if s.consent.expired(time.Now(), answers, inUse, limit-2*limit/looks) {
		s.end(ReasonConsent)
	}
}
