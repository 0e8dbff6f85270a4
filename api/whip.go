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
	return f.serveWHIP(w, r)
}

// profileForOBS is for who may publish; the token comes in the Authorization field alone, so that no address holds one.
func (f *face) profileForOBS(w http.ResponseWriter, r *http.Request) error {
	if err := f.ask(r, auth.Publish, false); err != nil {
		return err
	}
	return f.control.ProfileForOBS(w, r)
}

// whipAlone publishes into the stream that is configured for the caller's token.
func (f *face) whipAlone(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return f.whip(w, r)
	}
	wish.AllowOrigin(w.Header())
	if err := f.ask(r, auth.Publish, false); err != nil {
		return err
	}
	x := exchangeOf(r)
	stream, ok := f.options.StreamOf(x.token)
	if !ok {
		return &wish.Refusal{
			Status: http.StatusNotFound, Code: "no_stream_configured",
			Detail: "No stream is configured for this token.",
			Remedy: "Name the stream in the address, /whip/STREAM, or configure one for the token under publish.streams.",
		}
	}
	r.SetPathValue("stream", stream)
	if f.options.ValidName(stream) {
		x.stream = stream
	}
	return f.serveWHIP(w, r)
}
