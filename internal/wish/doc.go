// Package wish is what WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) share:
// SDP bodies, ICE fragments (RFC 8840), entity-tags (RFC 9110), Link fields,
// cross-origin fields and the PATCH and DELETE of a session resource. WISH is
// the working group that wrote both.
//
// Everything here is plain net/http. Handlers come in two forms: Serve returns
// what went wrong as an error, for a caller that writes and logs it, and
// ServeHTTP writes it by itself. Nothing here starts a goroutine.
package wish

// The media types of both protocols.
const (
	TypeSDP      = "application/sdp"                 // RFC 8866 8.1
	TypeFragment = "application/trickle-ice-sdpfrag" // RFC 8840 9.1
	TypeProblem  = "application/problem+json"        // RFC 9457
)

// The leniencies: what was wrong by the letter and was served all the same. The
// names are stable, since metrics count them.
const (
	// LenientStar: If-Match had the star in quotes, which is an entity-tag of
	// that name; RFC 9725 itself prints it so.
	LenientStar = "if_match_quoted_star"
	// LenientEmptyAttribute: a fragment with an empty "a=" line, which is what
	// becomes of a browser's empty candidate.
	LenientEmptyAttribute = "fragment_empty_attribute"
	// LenientNoMedia: a fragment without any m= line.
	LenientNoMedia = "fragment_no_media"
	// LenientLineFeed: a fragment whose lines end in LF alone.
	LenientLineFeed = "fragment_line_feed"
	// LenientOtherLine: a fragment with SDP lines other than a= and m=.
	LenientOtherLine = "fragment_other_line"
	// LenientComponent: a candidate of component 0, taken as 1.
	LenientComponent = "candidate_component_zero"
	// LenientCredentials: a fragment whose sections have different ICE
	// credentials; only those that agree with the first count.
	LenientCredentials = "fragment_mixed_credentials"
)
