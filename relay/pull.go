package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/publisher"
	"weir/session/negotiate"
	"weir/stream"
)

// KindName is what the kind of source that Kind returns is asked for by.
const KindName = "whep"

const schema = `{
  "type": "object", "additionalProperties": false, "required": ["url"],
  "properties": {
    "url": {"type": "string", "title": "Address", "description": "WHEP endpoint of the other server: https://HOST/whep/STREAM",
      "minLength": 8, "maxLength": 2048, "pattern": "^https?://"},
    "query": {"type": "string", "title": "Secret query", "description": "Put behind the address after a ?. It is never shown again.", "maxLength": 1024,
      "pattern": "^[!\"$-~]*$", "writeOnly": true},
    "token": {"type": "string", "title": "Token", "description": "Bearer token for it, if it wants one", "maxLength": 4096,
      "pattern": "^[!-~]*$", "writeOnly": true}
  }
}`

// Kind is the kind of source that plays a stream from another server.
func (r *Relay) Kind() publisher.Kind {
	return publisher.Kind{
		Name: KindName, Title: "Another server",
		Description: "A stream that another server has, by its WHEP address. It comes as it is; nothing is decoded.",
		Schema:      json.RawMessage(schema), Secrets: []string{"token", "query"}, Missing: r.Missing(), New: r.newPull,
	}
}

func (r *Relay) newPull(name string, params json.RawMessage) (publisher.Source, error) {
	var p struct {
		URL   string `json:"url"`
		Query string `json:"query"`
		Token string `json:"token"`
	}
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, fmt.Errorf("read the parameters: %w", err)
	}
	if strings.Contains(p.URL, "?") {
		return nil, wrongURL("must end before its ?; what follows it is the parameter query, which is not shown")
	}
	t, err := r.parseTarget(p.URL, p.Token)
	if err != nil {
		return nil, wrongURL("is not allowed: " + Why(err))
	}
	t.url.RawQuery = strings.TrimPrefix(p.Query, "?")
	return &pull{relay: r, target: t, stream: name}, nil
}

func wrongURL(detail string) error {
	return &publisher.ParamError{Problems: []publisher.ParamProblem{{Name: "url", Detail: detail}}}
}

// A pull plays a stream from another server, and again when that fails: the
// publication stays, and so do its viewers.
type pull struct {
	// static after newPull
	relay  *Relay
	target target
	stream string

	way way // of Run's goroutine

	mu sync.Mutex
	// guarded by mu
	publication *stream.Publication
	before      []stream.TrackStats // of its tracks, which outlive publications, when Run began
	begun       time.Time           // when what can be shown had come; zero: it has not, since the source began anew
	reason      string              // why it does not play now
	since       time.Time           // when there was a reason, or none any more; zero: there never was
}

var (
	_ publisher.Source     = (*pull)(nil)
	_ publisher.Alternator = (*pull)(nil)
	_ publisher.Counter    = (*pull)(nil)
	_ publisher.Hesitator  = (*pull)(nil)
	_ publisher.Beginner   = (*pull)(nil)
)

// Specs implements publisher.Source.
func (p *pull) Specs() []stream.Spec { return negotiate.PullSpecs() }

// Alternatives says that of the codecs of one kind one comes at a time.
func (p *pull) Alternatives() bool { return true }

// Run implements publisher.Source. A failure that will last is an error; others
// are tried again here, so that the stream stays.
func (p *pull) Run(ctx context.Context, publication *stream.Publication) error {
	p.begin(publication)
	forget := func() {}
	defer func() { forget() }()
	var wait backoff
	for {
		lived, err := p.once(ctx, publication)
		switch {
		case ctx.Err() != nil:
			return nil
		case publication.Reason() != "":
			return publisher.ErrPublicationEnded
		case lasting(err):
			return err
		}
		forget = p.relay.opts.Hops.set(p.stream, &chain{hops: hopsOf(err)})
		again := wait.after(lived, err)
		p.say(err.Error())
		p.relay.opts.Logger.Info("pull is tried again", "stream", p.stream, "reason", err, "duration", again)
		if !pause(ctx, again, publication.Done()) && ctx.Err() == nil {
			return publisher.ErrPublicationEnded
		}
	}
}

// begin notes what is filled.
func (p *pull) begin(publication *stream.Publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publication, p.before = publication, nil
	for _, t := range publication.Tracks() {
		p.before = append(p.before, t.Stats())
	}
}

// once plays until that ends, and says for how long it was connected.
func (p *pull) once(ctx context.Context, publication *stream.Publication) (lived time.Duration, err error) {
	local := p.relay.client.loopback(ctx, p.target.url)
	o, err := p.relay.opts.Sessions.Pull(ctx, publication, p.way.offer(ctx, p.relay.client, local))
	if err != nil {
		return 0, fmt.Errorf("make an offer: %w", err)
	}
	publication.Anew()
	l, err := p.relay.connect(ctx, p.target, &p.way, p.stream, true, o)
	if err != nil {
		return 0, err
	}
	quiet := silence{most: p.relay.opts.silence}
	err = l.run(ctx, func() bool {
		if begun := !p.Begun().IsZero(); l.session.Connected() {
			p.say(quiet.why(time.Now(), p.packets(), begun))
		}
		return publication.Reason() != ""
	})
	return l.lived(), err
}

// say notes why nothing plays, "" where something does. While there is a reason
// the stream is not live.
func (p *pull) say(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if (reason == "") != (p.reason == "") {
		p.since = time.Now()
	}
	p.reason = reason
	p.publication.Away(reason != "")
}

// Trouble implements publisher.Hesitator.
func (p *pull) Trouble() (reason string, since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason, p.since
}

// Begun implements publisher.Beginner. It is asked for often enough while a session runs for the time to be right.
func (p *pull) Begun() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	live := p.publication != nil && slices.ContainsFunc(p.publication.Tracks(), (*stream.Track).Live)
	switch {
	case !live:
		p.begun = time.Time{}
	case p.begun.IsZero():
		p.begun = time.Now()
	}
	return p.begun
}

// packets is how many have come.
func (p *pull) packets() (n uint64) {
	for _, s := range p.Stats() {
		n += s.Packets
	}
	return n
}

// Stats implements publisher.Counter: one element for each codec that has come
// since Run began.
func (p *pull) Stats() []publisher.Stats {
	p.mu.Lock()
	publication, before := p.publication, p.before
	p.mu.Unlock()
	if publication == nil {
		return nil
	}
	var all []publisher.Stats
	for i, t := range publication.Tracks() {
		st, was := t.Stats(), before[i]
		if st.Packets > was.Packets {
			all = append(all, publisher.Stats{
				Spec: stream.Spec{Format: t.Format()}, KeyFrames: st.KeyFrames - was.KeyFrames,
				Packets: st.Packets - was.Packets, Bytes: st.Bytes - was.Bytes, Running: t.Live(),
			})
		}
	}
	return all
}
