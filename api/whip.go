package api

import (
	"net/http"

	"weir/auth"
	"weir/internal/wish"
)

// whip is where a publisher publishes. A POST, which makes a session, needs the right to publish; whatever the stream,
// who lacks it is told the same.
func (f *face) whip(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		if err := f.ask(r, auth.Publish, false); err != nil {
			wish.AllowOrigin(w.Header()) // a page must be able to read why
			return err
		}
	}
	return f.options.WHIP.Serve(w, r)
}
