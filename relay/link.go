package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/internal/wish"
	"weir/session"
)

const (
	// look is the time between two looks at a session.
	look = 250 * time.Millisecond
	// restartTime is for how long an ICE restart may bring no sign.
	restartTime = 6 * time.Second
	// firstHops and nextHops are when the other server is asked what its stream
	// comes through: since the session began or that was something new, and then
	// again. In a circle of servers each asking tells of one server more.
	firstHops = time.Second
	nextHops  = 20 * time.Second
)

// A link is a session with another server. One goroutine has it.
type link struct {
	// static after connect
	relay    *Relay
	target   target
	stream   string
	session  *session.Session
	url      *url.URL // of the session's resource; nil: the server did not say
	pulls    bool
	way      *way // of the pull or the push, which the owner has too
	answered time.Time

	// changed by the owner alone
	began    time.Time // when the session was found to be connected; zero: never
	etag     string
	offered  string // what the other server was told of candidates
	told     bool   // that it need not be told more
	tries    int    // to tell it that have failed
	mute     bool   // it takes no more
	signs    uint64
	signAt   time.Time
	longest  time.Duration // between two signs
	prober   *prober
	restarts time.Time // of the newest ICE restart
	hopsAt   time.Time // when to ask for them; zero: never
	hops     []string  // what the other server's stream came through when it was asked last
	forget   func()    // what the stream comes through
}

// connect sends an offer and makes a session of the answer. Whatever it returns,
// the offering is over.
func (r *Relay) connect(ctx context.Context, t target, w *way, stream string, pulls bool, o *session.Offering) (*link, error) {
	hops := r.opts.Hops.passed(stream)
	if pulls {
		hops = r.opts.Hops.id
	}
	got, err := r.client.do(ctx, exchange{
		method: http.MethodPost, url: t.url, contentType: wish.TypeSDP, body: o.Offer(), token: t.token, origin: t.url,
		header: http.Header{"Accept": {wish.TypeSDP}, HopsField: {hops}},
	}, postTime)
	if err != nil {
		o.Close()
		return nil, err
	}
	w.named = wish.ParseLinks(got.header.Values("Link"))
	r.opts.Logger.Debug("other server has answered", "stream", stream, "remote", got.remote, "count", len(w.named))
	l := &link{
		relay: r, target: t, stream: stream, pulls: pulls, way: w, offered: o.Offer(), etag: got.header.Get("ETag"), forget: func() {},
	}
	if location := got.header.Get("Location"); location != "" {
		if u, err := got.url.Parse(location); err == nil && r.client.hosts.checkURL(u) == nil {
			u.Fragment = ""
			l.url = u
		}
	}
	if err := l.check(got); err != nil {
		o.Close()
		l.delete(ctx)
		return nil, err
	}
	if l.session, err = o.Answer(got.body, got.remote); err != nil {
		l.delete(ctx)
		return nil, err
	}
	now := time.Now()
	l.answered, l.signAt, l.prober = now, now, newProber(pulls, now)
	if hops := parseHops(got.header); pulls && len(hops) > 0 {
		l.hopsAt, l.hops = now.Add(firstHops), hops
		l.forget = r.opts.Hops.set(stream, &chain{hops: hops})
	}
	return l, nil
}

// check looks at the answer to an offer.
func (l *link) check(got *reply) error {
	media, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	switch {
	case got.status != http.StatusCreated:
		return fmt.Errorf("the server answers %d where it should answer 201", got.status)
	case !strings.EqualFold(strings.TrimSpace(media), wish.TypeSDP):
		return errors.New("the server's answer is no session description")
	case l.url == nil:
		return errors.New("the server names no address of the session, or one that is not allowed")
	case l.pulls && l.relay.opts.Hops.loops(parseHops(got.header)):
		return errLoop
	default:
		return nil
	}
}

// run watches the session until it has ended, ctx is done or over says that it
// should end; the last two are no error. Then nothing of it is left here, and the
// other server has been told.
func (l *link) run(ctx context.Context, over func() bool) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	defer func() { l.forget() }()
	for {
		select {
		case <-ctx.Done():
			l.close(ctx)
			return nil
		case <-l.session.Done():
			return l.lost(ctx)
		case now := <-tick.C:
			if l.began.IsZero() && l.session.Connected() {
				l.began = now
			}
			if over() {
				l.close(ctx)
				return nil
			}
			if err := l.look(ctx, now); err != nil {
				l.close(ctx)
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
	}
}

// lived is for how long the session has been connected.
func (l *link) lived() time.Duration {
	if l.began.IsZero() {
		return 0
	}
	return time.Since(l.began)
}

// lost is for a session that ended by itself.
func (l *link) lost(ctx context.Context) error {
	reason := l.session.Reason()
	if reason != session.ReasonPeer { // the other server does not know
		l.delete(ctx)
	}
	return fmt.Errorf("the session has ended: %s", reason)
}

// close ends the session.
func (l *link) close(ctx context.Context) {
	l.delete(ctx)
	l.session.Close(session.ReasonDeleted)
}

// delete tells the other server that the session is over, for some time at most,
// also where ctx is done.
func (l *link) delete(ctx context.Context) {
	if l.url == nil {
		return
	}
	_, err := l.relay.client.do(context.WithoutCancel(ctx), l.exchange(http.MethodDelete), endTime)
	if err != nil {
		l.relay.opts.Logger.Debug("session not deleted", "stream", l.stream, "err", err)
	}
}

func (l *link) exchange(method string) exchange {
	return exchange{method: method, url: l.url, token: l.target.token, origin: l.target.url}
}

// look sees to what is due.
func (l *link) look(ctx context.Context, now time.Time) error {
	if !l.hopsAt.IsZero() && now.After(l.hopsAt) {
		l.hopsAt = now.Add(nextHops)
		if err := l.askHops(ctx); err != nil {
			return err
		}
	}
	l.trickle(ctx)
	if err := l.aid(ctx, now); err != nil {
		return err
	}
	if signs := l.session.Signs(); signs != l.signs {
		if l.signs > 0 {
			l.longest = max(l.longest, now.Sub(l.signAt))
		}
		l.signs, l.signAt = signs, now
		l.prober.heard(now)
		return nil
	}
	if l.session.Connected() && l.session.Shaken() { // else it has its own time to connect in
		return l.restart(ctx, now)
	}
	if l.prober.barred && l.pulls && l.signs > 0 && now.Sub(l.signAt) > patience(l.longest) {
		return errors.New("nothing comes from the server any more, and it cannot be asked why")
	}
	if l.prober.due(now) {
		return l.probe(ctx)
	}
	return nil
}

// probe asks the other server, from which nothing comes, whether it knows the
// session: by telling it once more that there are no further candidates (RFC 9725
// 4.3.2).
func (l *link) probe(ctx context.Context) error {
	x := l.exchange(http.MethodPatch)
	x.contentType, x.body = wish.TypeFragment, l.session.Local().String()
	if l.etag != "" {
		x.header = http.Header{"If-Match": {l.etag}}
	}
	_, err := l.relay.client.do(ctx, x, shortTime)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to end
	}
	return l.prober.answered(time.Now(), err)
}

// restart restarts ICE (RFC 9725 4.3.3), once at a time, and says so if that
// cannot be or has not helped.
func (l *link) restart(ctx context.Context, now time.Time) error {
	if !l.restarts.IsZero() && now.Sub(l.restarts) < restartTime {
		return nil
	}
	lost := errors.New("nothing comes from the server any more")
	if l.prober.barred || l.etag == "" || now.Sub(l.restarts) < 2*restartTime {
		return lost
	}
	l.restarts = now
	fragment, err := l.session.BeginRestart(ctx)
	if err != nil {
		return lost
	}
	x := l.exchange(http.MethodPatch)
	x.contentType, x.body = wish.TypeFragment, fragment.String()
	l.offered, l.told = x.body, false
	x.header = http.Header{"If-Match": {"*"}, "Accept": {wish.TypeFragment}}
	got, err := l.relay.client.do(ctx, x, shortTime)
	if err != nil {
		return fmt.Errorf("%w, and it does not take a restart: %s", lost, err.Error()) // what it says of that is not for the next offer
	}
	theirs, err := wish.ParseFragment([]byte(got.body))
	if err == nil {
		err = l.session.FinishRestart(theirs)
	}
	if err != nil {
		return fmt.Errorf("%w, and its answer to a restart is of no use", lost)
	}
	if etag := got.header.Get("ETag"); etag != "" {
		l.etag = etag
	}
	return nil
}

// askHops asks what the other server's stream comes through now: two servers may
// have asked each other at the same time.
func (l *link) askHops(ctx context.Context) error {
	x := exchange{method: http.MethodHead, url: l.target.url, token: l.target.token, origin: l.target.url}
	got, err := l.relay.client.do(ctx, x, shortTime)
	if err != nil {
		return nil //nolint:nilerr // whether the session lives shows elsewhere
	}
	hops := parseHops(got.header)
	if l.relay.opts.Hops.loops(hops) {
		return errLoop
	}
	if !slices.Equal(hops, l.hops) {
		l.hopsAt, l.hops = time.Now().Add(firstHops), hops
	}
	l.forget()
	l.forget = l.relay.opts.Hops.set(l.stream, &chain{hops: hops})
	return nil
}
