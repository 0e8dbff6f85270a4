package wish

import "net/http"

// The cross-origin fields (Fetch 3.3). Names are spelled out, since a star
// covers neither Authorization nor what follows a request with credentials.
const (
	corsMethods = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
	// Some players send the entity-tag in a request field named ETag.
	corsHeaders = "authorization, content-type, if-match, etag"
	// Access-Control-Allow-Methods is read by players that ask OPTIONS
	// whether they may trickle.
	corsExpose = "Location, ETag, Link, Retry-After, Accept-Patch, Accept-Post, WWW-Authenticate, Access-Control-Allow-Methods"
	corsMaxAge = "7200" // seconds: the most that Chromium takes
)

// AllowOrigin lets pages of any origin read the reply. Endpoint and session say
// it on every reply, refusals included.
func AllowOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", corsExpose)
}

// AllowRequests adds what a preflight asks for (Fetch 3.3.3). Endpoint and
// session say the same, as players ask the one about the other.
func AllowRequests(h http.Header) {
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
}

// Preflight says whether an OPTIONS request is a browser asking on behalf of a
// page, and not the client itself (Fetch 3.3.2).
func Preflight(r *http.Request) bool {
	return r.Header.Get("Access-Control-Request-Method") != ""
}
