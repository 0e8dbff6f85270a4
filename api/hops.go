package api

import (
	"net/http"

	"weir/internal/wish"
	"weir/stream"
)

// Hops guards against streams that go round in circles between servers: a
// *relay.Hops.
type Hops interface {
	// Play refuses a player that the stream comes from, and tells any in the header
	// what the stream comes through.
	Play(w http.ResponseWriter, r *http.Request, stream string) error
	// Publish refuses a publisher whose stream comes from here, Published notes what
	// a publication that was not refused comes through.
	Publish(r *http.Request) error
	Published(r *http.Request, p *stream.Publication)
}

// guardPlay asks the guard. Who may not know of the stream is told as little of it
// here as anywhere.
func (f *face) guardPlay(w http.ResponseWriter, r *http.Request) error {
	if f.options.Hops == nil || r.Method != http.MethodPost && r.Method != http.MethodHead {
		return nil
	}
	if r.Method == http.MethodHead {
		if err := f.mayPlayPrivate(r); err != nil {
			return err
		}
	}
	stream := r.PathValue("stream")
	if Hidden(r) {
		stream = ""
	}
	err := f.options.Hops.Play(w, r, stream)
	if err != nil {
		wish.AllowOrigin(w.Header())
	}
	return err
}

// serveWHIP publishes, if the guard lets it.
func (f *face) serveWHIP(w http.ResponseWriter, r *http.Request) error {
	if f.options.Hops == nil || r.Method != http.MethodPost {
		return f.options.WHIP.Serve(w, r)
	}
	if err := f.options.Hops.Publish(r); err != nil {
		wish.AllowOrigin(w.Header())
		return err
	}
	if err := f.options.WHIP.Serve(w, r); err != nil {
		return err
	}
	if st, ok := f.options.Streams.Find(r.PathValue("stream")); ok {
		f.options.Hops.Published(r, st.Publication())
	}
	return nil
}
