package relay

import (
	"errors"
	"net/http"
	"time"
)

// What a prober waits for. A server that sends media is missed sooner than one
// that takes them, which only reports what has come, every five seconds by some.
const (
	pullSilence = time.Second
	pushSilence = 6 * time.Second
	mostSilence = 10 * time.Second
	// mostDown is how many refused connections in a row mean that the server is
	// gone, and pullDown and pushDown the time between them: where media flow it may
	// be that HTTP alone begins anew.
	mostDown = 3
	pullDown = look
	pushDown = time.Second
)

// patience is after how long without a sign a session is given up with a server
// that has sent media and cannot be asked: four times the longest that it ever
// took, so that slow pictures are waited for.
func patience(longest time.Duration) time.Duration {
	return min(max(4*longest, pullSilence), mostSilence)
}

// errUnknown is returned where the other server has forgotten the session.
var errUnknown = errors.New("the server does not know the session any more")

// A prober knows when a server from which nothing comes is to be asked whether it
// still knows the session, and what the answers mean. It is for one goroutine.
type prober struct {
	silence, down time.Duration // static

	at     time.Time     // when to ask
	in     time.Duration // between the newest question and the next
	downs  int           // refused connections in a row
	barred bool          // the server takes no such question
}

func newProber(pulls bool, now time.Time) *prober {
	p := &prober{silence: pushSilence, down: pushDown}
	if pulls {
		p.silence, p.down = pullSilence, pullDown
	}
	p.heard(now)
	return p
}

// heard notes a sign of the server.
func (p *prober) heard(now time.Time) { p.in, p.at, p.downs = p.silence, now.Add(p.silence), 0 }

// due says whether to ask now. Each further time takes twice as long, up to
// mostSilence.
func (p *prober) due(now time.Time) bool {
	if p.barred || !now.After(p.at) {
		return false
	}
	p.in = min(2*p.in, mostSilence)
	p.at = now.Add(p.in)
	return true
}

// answered notes what has come of a question. What it returns ends the session.
func (p *prober) answered(now time.Time, err error) error {
	if errors.Is(err, errDown) {
		p.at = now.Add(p.down)
		if p.downs++; p.downs >= mostDown {
			return err
		}
		return nil
	}
	p.downs = 0
	var refused *Refused
	if !errors.As(err, &refused) {
		return nil // what is slow may be there all the same, and ICE tells of the rest
	}
	switch refused.Status {
	case http.StatusNotFound, http.StatusGone:
		return errUnknown
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // of a proxy
		p.at, p.in = now.Add(p.silence/2), p.silence
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusNotImplemented: // 405 and 501 by the letter
		p.barred = true
		return nil
	}
	if after := now.Add(refused.After); after.After(p.at) {
		p.at = after
	}
	return nil
}
