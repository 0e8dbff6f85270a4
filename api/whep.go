package api

import (
	"net/http"
	"strconv"
	"time"

	"weir/api/request"
	"weir/auth"
	"weir/internal/wish"
	"weir/session"
)

// whep is the one URL of a stream: a page for a browser, facts for a program that asks for JSON, and for all else what
// the protocol says. A POST, which makes a session, needs the right to play.
func (f *face) whep(w http.ResponseWriter, r *http.Request) error {
	switch r.Method {
	case http.MethodPost:
		if err := f.mayPlay(r); err != nil {
			wish.AllowOrigin(w.Header()) // a page must be able to read why
			return err
		}
	case http.MethodGet:
		w.Header().Add("Vary", "Accept")
		switch request.Prefers(r, "text/html", request.TypeJSON) {
		case "text/html":
			return f.showPage("watch.html")(w, r)
		case request.TypeJSON:
			return f.showFacts(w, r)
		}
	}
	if err := f.guardPlay(w, r); err != nil {
		return err
	}
	return f.options.WHEP.Serve(w, r)
}

// mayPlay refuses who may not play anything. It asks the same two questions whatever the stream, so that neither the
// answer nor the time that it takes tells of a private one: see Hidden.
func (f *face) mayPlay(r *http.Request) error {
	if err := f.ask(r, auth.Play, false); err != nil {
		return err
	}
	return f.mayPlayPrivate(r)
}

// mayPlayPrivate notes whether who is there may play private streams. That they may not is no error.
func (f *face) mayPlayPrivate(r *http.Request) error {
	err := f.ask(r, auth.Play, true)
	if err != nil && !refused(err) {
		return err
	}
	exchangeOf(r).playsPrivate = err == nil
	return nil
}

// showFacts answers for every name that a stream can have. One that may not be known is as one that nobody publishes.
// With wait it answers as soon as the stream is live, or when so many seconds have passed.
func (f *face) showFacts(w http.ResponseWriter, r *http.Request) error {
	wish.AllowOrigin(w.Header())
	if !f.options.ValidName(r.PathValue("stream")) {
		return refuseName()
	}
	if err := f.mayPlayPrivate(r); err != nil {
		return err
	}
	if err := f.await(r); err != nil {
		return err
	}
	if err := f.mayPlayPrivate(r); err != nil { // a token may have been revoked meanwhile
		return err
	}
	return f.control.Facts(w, r, Hidden)
}

// maxWait is for how many seconds a request for facts may ask to be held.
const maxWait = 60

// await holds a request that asks for it until its stream is live.
func (f *face) await(r *http.Request) error {
	text, ok := r.URL.Query()["wait"]
	if !ok {
		return nil
	}
	if len(text) > 1 {
		return request.RefuseParameter("wait", "may come once only")
	}
	seconds, err := strconv.ParseUint(text[0], 10, 8)
	if err != nil || seconds < 1 || seconds > maxWait {
		return request.RefuseParameter("wait", "must be a whole number of seconds from 1 to "+strconv.Itoa(maxWait))
	}
	f.options.Sessions.Await(r.Context(), session.Request{
		Stream: r.PathValue("stream"), Remote: request.Client(r), Hidden: func() bool { return Hidden(r) },
	}, time.Duration(seconds)*time.Second)
	return nil
}
