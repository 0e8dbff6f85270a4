package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"weir/stream"
)

// ErrPublicationEnded is returned by Run where the publication ended before the context did: it was closed or taken over.
var ErrPublicationEnded = errors.New("publication has ended")

// A Source fills a publication.
type Source interface {
	// Specs are what to publish: one a track, the preferred codec of each kind of media first.
	Specs() []stream.Spec
	// Run writes media into the tracks of a publication of Specs until the source's media end (nil), the publication
	// ends (ErrPublicationEnded) or ctx is done (nil). It blocks; when it returns, none of its goroutines is left, and
	// what it opened is closed. It does not close the publication, whose owner is the caller.
	Run(ctx context.Context, p *stream.Publication) error
}

// An Alternator is a Source that may feed the tracks of one kind of media one at a time: they are codecs of which another
// chooses; see stream.PublishOptions.
type Alternator interface {
	Alternatives() bool
}

// A Hesitator is a Source that runs also while it cannot get at its media, and says why.
type Hesitator interface {
	// Trouble is why nothing comes at present, "" where something does, and since when it is the one or the other: zero
	// where there was no trouble yet. It may be called from any goroutine.
	Trouble() (reason string, since time.Time)
}

// A Beginner is a Source whose media come some time after it was begun: from elsewhere.
type Beginner interface {
	// Begun is when media came first, zero while none have. It may be called from any goroutine.
	Begun() time.Time
}

// A Changer is a Source that can take new parameters while it runs.
type Changer interface {
	// Change takes parameters that are valid by the kind's schema, defaults filled in. If it cannot take them without a
	// new start it changes nothing and returns false. It may be called from any goroutine.
	Change(params json.RawMessage) (done bool, err error)
}

// A Counter is a Source that counts what its renditions do, as a Program does.
type Counter interface {
	// Stats may be called from any goroutine.
	Stats() []Stats
}

// A Placer is a Source whose media have a place: a film's.
type Placer interface {
	// Place is where it is now. It may be called from any goroutine, and keeps nobody waiting.
	Place() Place
}

// A Place says where in its media a source is. They count from their first picture.
type Place struct {
	Position time.Duration
	Duration time.Duration // 0: not known
	Paused   bool
}
