package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/publisher"
	"weir/session"
	"weir/stream"
)

var (
	// ErrNoPush is returned for a push that there is not.
	ErrNoPush = errors.New("no such push")
	// ErrTooManyPushes is returned where there are as many as there may be.
	ErrTooManyPushes = errors.New("too many pushes")
	// ErrToken is returned for a token that no header may hold.
	ErrToken = errors.New("the token is too long, or holds what is no visible ASCII character")
	// ErrPushed is returned where the stream is pushed to that address already.
	ErrPushed = errors.New("the stream is pushed there already")
	// ErrLoop is returned where the stream comes from so many servers that it must
	// go round in a circle.
	ErrLoop = errors.New("the stream has come through too many servers")
	// ErrEnded is returned after Run has ended.
	ErrEnded = errors.New("the relay has ended")
)

// MaxPerStream is how many pushes a stream may have.
const MaxPerStream = 16

// maxToken is how many bytes a token may have.
const maxToken = 4096

// PushStart says where to push a stream.
type PushStart struct {
	URL   string // WHIP endpoint
	Token string // bearer token for it, "" for none; it is never told again
}

// PushStatus is a snapshot of a push.
type PushStatus struct {
	ID, Stream string
	URL        string // without what may be a secret
	State      publisher.State
	Reason     string    // why it is idle, waiting or failed; else ""
	Since      time.Time // of the state's beginning
	NextTry    time.Time // of one that waits for a time; else zero
	Restarts   int       // sessions begun after the first
	Packets    uint64    // of media, sent in all sessions
	Bytes      uint64    // of their payloads
	Codecs     []string  // that are sent now
}

// A push publishes a stream on another server for as long as it is live here.
type push struct {
	// static after Push
	relay  *Relay
	number uint64 // counts them
	id     string
	stream string
	target target
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of it runs

	way way // of run's goroutine

	mu sync.Mutex
	// guarded by mu
	status  PushStatus // without counters of the session that runs
	session *session.Session
	begun   int
}

// Push begins to push a stream, which need not be live yet. It fails with
// stream.ErrName, ErrHost, ErrToken, ErrPushed, ErrTooManyPushes, ErrLoop or ErrEnded.
func (r *Relay) Push(name string, start PushStart) (PushStatus, error) {
	t, err := r.tryPush(name, start)
	if err != nil {
		return PushStatus{}, err
	}
	if len(r.opts.Hops.of(name)) >= maxHops {
		return PushStatus{}, ErrLoop
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &push{
		relay: r, id: strings.ToLower(rand.Text()[:12]), stream: name, target: t, cancel: cancel, done: make(chan struct{}),
	}
	p.status = PushStatus{ID: p.id, Stream: name, URL: t.shown(), State: publisher.StateStarting, Since: time.Now()}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.mayPushLocked(p); err != nil {
		cancel()
		return PushStatus{}, err
	}
	r.begun++
	p.number = r.begun
	r.pushes[p.id] = p
	first := p.status
	r.running.Go(func() { p.run(ctx) })
	return first, nil
}

// TryPush fails as Push would for what it is told, whatever runs; it begins
// nothing.
func (r *Relay) TryPush(name string, start PushStart) error {
	_, err := r.tryPush(name, start)
	return err
}

func (r *Relay) tryPush(name string, start PushStart) (target, error) {
	if !r.opts.Registry.ValidName(name) {
		return target{}, stream.ErrName
	}
	if err := r.Missing(); err != nil {
		return target{}, fmt.Errorf("%w: %w", ErrHost, err)
	}
	if len(start.Token) > maxToken || strings.ContainsFunc(start.Token, func(c rune) bool { return c < '!' || c > '~' }) {
		return target{}, ErrToken
	}
	return r.parseTarget(start.URL, start.Token)
}

func (r *Relay) mayPushLocked(p *push) error {
	if r.closed {
		return ErrEnded
	}
	same := 0
	for _, other := range r.pushes {
		if other.stream != p.stream {
			continue
		}
		same++
		if other.target.url.String() == p.target.url.String() {
			return ErrPushed
		}
	}
	if same >= MaxPerStream || len(r.pushes) >= r.opts.MaxPushes {
		return ErrTooManyPushes
	}
	return nil
}

// Pushes are those of a stream, the oldest first.
func (r *Relay) Pushes(name string) []PushStatus {
	r.mu.Lock()
	var found []*push
	for _, p := range r.pushes {
		if p.stream == name {
			found = append(found, p)
		}
	}
	r.mu.Unlock()
	slices.SortFunc(found, func(a, b *push) int { return cmp.Compare(a.number, b.number) })
	all := make([]PushStatus, len(found))
	for i, p := range found {
		all[i] = p.snapshot()
	}
	return all
}

// PushOf says how it stands with a push; it fails with ErrNoPush.
func (r *Relay) PushOf(name, id string) (PushStatus, error) {
	p, err := r.find(name, id)
	if err != nil {
		return PushStatus{}, err
	}
	return p.snapshot(), nil
}

func (r *Relay) find(name, id string) (*push, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pushes[id]; p != nil && p.stream == name {
		return p, nil
	}
	return nil, ErrNoPush
}

// EndPush ends a push and waits until the other server was told. When ctx ends
// before, it ends all the same. It fails with ErrNoPush.
func (r *Relay) EndPush(ctx context.Context, name, id string) error {
	p, err := r.find(name, id)
	if err != nil {
		return err
	}
	p.cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run returns when ctx has ended and every push has. Pushes may begin before it;
// none can after it.
func (r *Relay) Run(ctx context.Context) error {
	<-ctx.Done()
	r.mu.Lock()
	r.closed = true
	for _, p := range r.pushes {
		p.cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
	r.client.http.CloseIdleConnections()
	return nil
}

func (p *push) snapshot() PushStatus {
	p.mu.Lock()
	st, s := p.status, p.session
	p.mu.Unlock()
	if s != nil {
		stats := s.Stats()
		st.Packets += stats.Packets
		st.Bytes += stats.Bytes
		for _, m := range stats.Media {
			st.Codecs = append(st.Codecs, m.Codec)
		}
	}
	return st
}

// set notes a state.
func (p *push) set(state publisher.State, reason string, next time.Time) {
	p.mu.Lock()
	p.status.State, p.status.Reason, p.status.Since, p.status.NextTry = state, reason, time.Now(), next
	p.mu.Unlock()
	p.relay.opts.Logger.Info("push has changed", "stream", p.stream, "push", p.id, "code", string(state), "reason", reason)
	attrs := []slog.Attr{slog.String("stream", p.stream), slog.String("push", p.id), slog.String("reason", reason)}
	if state == publisher.StateFailed || state == publisher.StateWaiting {
		attrs = append(attrs, slog.String("level", "warning"))
	}
	p.relay.opts.Event("push_"+string(state), attrs...)
}

// run pushes until it is told to end.
func (p *push) run(ctx context.Context) {
	defer p.leave()
	var wait backoff
	lasts := 0
	for {
		st := p.awaitLive(ctx)
		if st == nil {
			return
		}
		lived, err := p.once(ctx, st)
		if ctx.Err() != nil {
			return
		}
		if err == nil { // the stream has ended
			wait, lasts = backoff{}, 0
			continue
		}
		if lasting(err) {
			lasts++
		} else {
			lasts = 0
		}
		if lasts >= mostLasting {
			p.set(publisher.StateFailed, err.Error(), time.Time{})
			<-ctx.Done() // whoever asked has to look
			return
		}
		again := wait.after(lived, err)
		if lasts > 0 {
			again = max(again, time.Second<<lasts)
		}
		p.set(publisher.StateWaiting, err.Error(), time.Now().Add(again))
		if !pause(ctx, again, nil) {
			return
		}
	}
}

// mostLasting is how many failures in a row that will last end a push.
const mostLasting = 5

// leave makes the push unknown.
func (p *push) leave() {
	p.cancel()
	p.relay.mu.Lock()
	delete(p.relay.pushes, p.id)
	p.relay.mu.Unlock()
	p.relay.opts.Event("push_stopped", slog.String("stream", p.stream), slog.String("push", p.id))
	close(p.done)
}

// awaitLive waits for the stream, and for a moment until it is known what it
// sends; nil: ctx has ended.
func (p *push) awaitLive(ctx context.Context) *stream.Stream {
	said := false
	for {
		if st, ok := p.relay.opts.Registry.Find(p.stream); ok && st.Live() {
			if !p.awaitFormats(ctx, st) {
				return nil
			}
			return st
		}
		if !said {
			said = true
			p.set(publisher.StateIdle, "the stream is not live", time.Time{})
		}
		ready, leave := p.relay.opts.Registry.Await(p.stream)
		select {
		case <-ready:
			leave()
		case <-ctx.Done():
			leave()
			return nil
		}
	}
}

// awaitFormats waits until each kind of media has come, so that the offer says
// what is really sent, and for no longer than that is worth: a stream that is
// encoded on demand sends nothing yet.
func (p *push) awaitFormats(ctx context.Context, st *stream.Stream) bool {
	const most, step = time.Second, 50 * time.Millisecond
	for deadline := time.Now().Add(most); time.Now().Before(deadline) && st.Live(); {
		lives := map[string]bool{} // by kind
		for _, t := range st.Offered() {
			lives[t.Kind().String()] = lives[t.Kind().String()] || t.Live()
		}
		if !slices.Contains(slices.Collect(maps.Values(lives)), false) {
			break
		}
		if !pause(ctx, step, nil) {
			return false
		}
	}
	return ctx.Err() == nil
}

// once pushes until the stream or the session ends; the former is no error. It
// says for how long it was connected.
func (p *push) once(ctx context.Context, st *stream.Stream) (lived time.Duration, err error) {
	p.set(publisher.StateStarting, "", time.Time{})
	local := p.relay.client.loopback(ctx, p.target.url)
	o, err := p.relay.opts.Sessions.Push(ctx, st, p.way.offer(ctx, p.relay.client, local))
	if errors.Is(err, stream.ErrNotLive) {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("make an offer: %w", err)
	}
	l, err := p.relay.connect(ctx, p.target, &p.way, p.stream, false, o)
	if errors.Is(err, stream.ErrNotLive) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	p.begin(l.session)
	defer p.end(l.session)
	var left time.Time
	live := false
	err = l.run(ctx, func() bool {
		if !live && l.session.Connected() {
			live = true
			p.set(publisher.StateLive, "", time.Time{})
		}
		if st.Publication() != nil {
			left = time.Time{}
			return false
		}
		if left.IsZero() {
			left = time.Now()
		}
		return time.Since(left) > p.relay.opts.linger
	})
	return l.lived(), err
}

func (p *push) begin(s *session.Session) {
	p.mu.Lock()
	p.session = s
	p.status.Restarts = p.begun
	p.begun++
	p.mu.Unlock()
}

// end adds up what a session has sent.
func (p *push) end(s *session.Session) {
	stats := s.Stats()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = nil
	p.status.Packets += stats.Packets
	p.status.Bytes += stats.Bytes
}
