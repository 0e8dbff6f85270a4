package api

import (
	"net/http"
	"strings"

	"weir/api/request"
	"weir/internal/wish"
)

const (
	// policy is the Content-Security-Policy of a page: all that it needs comes from this host, nothing stands inline.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
		"connect-src 'self'; manifest-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors "
	// docsPolicy lets in what the bundles of Swagger UI and ReDoc need besides: styles made by a script, and a worker
	// made of text for the search.
	docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
		"font-src 'self' data:; connect-src 'self'; worker-src blob:; child-src blob:; manifest-src 'none'; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors "
	noFrame  = "'none'"
	anyFrame = "*"
)

// showPage serves a page. It is the same for every stream, live or not: the page reads the name from its own address and
// asks for the stream itself.
func (f *face) showPage(name string) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		return f.pageOfStream(w, r, name, policy+noFrame)
	}
}

// embed serves the one page that another may frame.
func (f *face) embed(w http.ResponseWriter, r *http.Request) error {
	return f.pageOfStream(w, r, "embed.html", policy+anyFrame)
}

// publish serves the one page that may use cameras, microphones and screens.
func (f *face) publish(w http.ResponseWriter, r *http.Request) error {
	if f.options.ValidName(r.PathValue("stream")) {
		w.Header().Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)")
	}
	return f.pageOfStream(w, r, "publish.html", policy+noFrame)
}

func (f *face) showDocs(name string) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		return f.page(w, r, name, docsPolicy+noFrame, http.StatusOK)
	}
}

func (f *face) pageOfStream(w http.ResponseWriter, r *http.Request, name, policy string) error {
	if stream := r.PathValue("stream"); stream != "" && !f.options.ValidName(stream) {
		return f.noRoute(w, r)
	}
	return f.page(w, r, name, policy, http.StatusOK)
}

// static serves the parts of the pages. They may be used by anybody's page: whep.js is meant for that.
func (f *face) static(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.PathValue("file"), "/")
	if !f.files.Part(name) {
		return f.noRoute(w, r)
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	return f.files.Serve(w, r, name, http.StatusOK)
}

// ofFile hands a media file's resource the requests that name one: nothing is at the address without a path.
func (f *face) ofFile(h handlerFunc) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if strings.TrimPrefix(r.PathValue("path"), "/") == "" {
			return f.noRoute(w, r)
		}
		return h(w, r)
	}
}

// noRoute answers what has no route: a page for a browser, a problem for everything else.
func (f *face) noRoute(w http.ResponseWriter, r *http.Request) error {
	if w.Header().Get("Vary") == "" {
		w.Header().Set("Vary", "Accept")
	}
	if request.Prefers(r, "text/html", request.TypeJSON) == "text/html" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return f.page(w, r, "notfound.html", policy+noFrame, http.StatusNotFound)
	}
	return &wish.Refusal{
		Status: http.StatusNotFound, Code: "not_found",
		Detail: "Nothing is at this address.",
		Remedy: "Streams are watched at /watch/{stream}, published at /publish/{stream} and played at /whep/{stream}. " + nameRule,
	}
}

func (f *face) page(w http.ResponseWriter, r *http.Request, name, policy string, status int) error {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	return f.files.Serve(w, r, name, status)
}

// protect sets what holds for every answer.
func protect(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
}
