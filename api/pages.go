package api

import (
	"io"
	"net/http"

	"weir/internal/wish"
)

// policy is the Content-Security-Policy of every page: all that a page needs comes from this host, nothing stands
// inline, and no other page may frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (f *face) home(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store") // where it leads will change
	http.Redirect(w, r, f.options.Home, http.StatusTemporaryRedirect)
	return nil
}

func (f *face) health(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err := io.WriteString(w, `{"status":"ok"}`+"\n")
	return err
}

// watch serves the player page. It is the same for every stream, live or not: the page reads the name from its own
// address and asks for the stream itself.
func (f *face) watch(w http.ResponseWriter, r *http.Request) error {
	if !f.options.ValidName(r.PathValue("stream")) {
		return f.noRoute(w, r)
	}
	return f.page(w, r, "watch.html", http.StatusOK)
}

// static serves the parts of the pages. They may be used by anybody's page: whep.js is meant for that.
func (f *face) static(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	return look(func(w http.ResponseWriter, r *http.Request) error {
		name := r.PathValue("file")
		if !f.files.Part(name) {
			return f.noRoute(w, r)
		}
		protect(w)
		return f.files.Serve(w, r, name, http.StatusOK)
	})(w, r)
}

// noRoute answers what has no route: a page for a browser, a problem for everything else.
func (f *face) noRoute(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept")
	if wantsHTML(r) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return f.page(w, r, "notfound.html", http.StatusNotFound)
	}
	return &wish.Refusal{
		Status: http.StatusNotFound, Code: "not_found",
		Detail: "Nothing is at this address.",
		Remedy: "Streams are watched at /watch/{stream} and played at /whep/{stream}; a name has letters, digits, " +
			"dots, dashes and underscores, at most 64, and begins with a letter or a digit.",
	}
}

func (f *face) page(w http.ResponseWriter, r *http.Request, name string, status int) error {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	protect(w)
	return f.files.Serve(w, r, name, status)
}

// protect sets what holds for pages and their parts alike.
func protect(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
}
