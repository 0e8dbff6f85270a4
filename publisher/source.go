package publisher

import (
	"context"
	"errors"

	"weir/stream"
)

// ErrPublicationEnded is returned by Run where the publication ended before the context did: it was closed or taken over.
var ErrPublicationEnded = errors.New("publication has ended")

// A Source fills a publication.
type Source interface {
	// Run writes media into the publication's tracks until the source's media end, the publication ends
	// (ErrPublicationEnded) or ctx is done (nil). It blocks; when it returns, none of its goroutines is left. It does
	// not close the publication, whose owner is the caller.
	Run(ctx context.Context, p *stream.Publication) error
}
