package session

import (
	"errors"
	"fmt"

	"weir/internal/wish"
)

// refusalCode is what a log may say of an error that a player is told: its
// sentences may quote ICE credentials.
func refusalCode(err error) string {
	if r, ok := errors.AsType[*wish.Refusal](err); ok {
		return r.Code
	}
	return "internal"
}

// retryAfter is the header of a refusal that need not be the last word.
func retryAfter(seconds string) map[string]string {
	return map[string]string{"Retry-After": seconds}
}

// The refusals of the runtime, by their codes. Each call makes a new one.

func refuseNoSuchStream() *wish.Refusal {
	return &wish.Refusal{
		Status: 404, Code: "no_such_stream",
		Detail: "This is not a name that a stream can have.",
		Remedy: "Check the URL. A token does not belong there but into the field Authorization: Bearer.",
	}
}

// The codes by which this package knows its own refusals.
const (
	codeNotLive   = "stream_not_live"
	codePublished = "stream_published"
)

// refuseNotLive is the same for every valid name: it tells nothing of a stream.
func refuseNotLive() *wish.Refusal {
	return &wish.Refusal{
		Status: 409, Code: codeNotLive,
		Detail: "Nobody publishes this stream at present.",
		Remedy: "Try again when the publisher is there.", Headers: retryAfter("2"),
	}
}

// refuseBarred is for who may no longer have what was asked for.
func refuseBarred(reason string) *wish.Refusal {
	r := &wish.Refusal{
		Status:  401,
		Detail:  "The token was revoked, or no longer has the right, while the request was under way.",
		Remedy:  "Ask who runs the server for another token, and send it in the field Authorization: Bearer.",
		Headers: map[string]string{"WWW-Authenticate": `Bearer realm="weir", error="invalid_token"`},
	}
	r.Code = reason
	if reason == ReasonClosed {
		r.Detail = "Playing needs a token now."
		r.Headers["WWW-Authenticate"] = `Bearer realm="weir"`
	}
	return r
}

// refusePublished is for a stream that somebody publishes.
func refusePublished(policy TakeOver) *wish.Refusal {
	refusal := &wish.Refusal{
		Status: 409, Code: codePublished,
		Detail:  "Another publishes this stream.",
		Remedy:  "Publish with the same token to take it over, end the other publisher, or use another stream.",
		Headers: retryAfter("5"),
	}
	if policy != TakeOverSame {
		refusal.Detail = "The stream is published already."
		refusal.Remedy = "End its publisher, or use another stream."
	}
	return refusal
}

func refuseDraining() *wish.Refusal {
	return &wish.Refusal{
		Status: 503, Code: "shutting_down",
		Detail: "The server is not taking sessions now.",
		Remedy: "Try again later.", Headers: retryAfter("5"),
	}
}

func refuseNoAddress() *wish.Refusal {
	return &wish.Refusal{
		Status: 503, Code: "no_address",
		Detail: "The server has no address that media could come from.",
		Remedy: "The server's log names the addresses it could not use.", Headers: retryAfter("5"),
	}
}

// refuseOffer is for an offer that was negotiated and the WebRTC stack did not.
func refuseOffer() *wish.Refusal {
	return &wish.Refusal{
		Status: 422, Code: "offer_not_usable",
		Detail: "The offer could not be set up.",
		Remedy: "The server's log says more under this request's id.",
	}
}

// refuseNoSession says why the session ended where its client should know
// before it makes a new one.
func refuseNoSession(reason string) *wish.Refusal {
	r := &wish.Refusal{
		Status: 404, Code: "no_such_session",
		Detail: "There is no such session: it has ended, or never was.",
		Remedy: "Begin a new one with POST to the endpoint.",
	}
	switch reason {
	case ReasonTaken:
		r.Code, r.Detail = reason, "The session has ended: the stream was published again with the same token."
		r.Remedy = "End the other publisher first, or publish into another stream."
	case ReasonOperator:
		r.Code, r.Detail = reason, "The session was ended by somebody who runs the server."
	case ReasonRevoked:
		r.Code, r.Detail = reason, "The session has ended: its token was revoked, or no longer has the right."
		r.Remedy = "Begin a new one with another token."
	case ReasonClosed:
		r.Code, r.Detail = reason, "The session has ended: playing needs a token now."
		r.Remedy = "Begin a new one with a token."
	default:
	}
	return r
}

func refuseNoPrecondition() *wish.Refusal {
	return &wish.Refusal{
		Status: 428, Code: "if_match_missing",
		Detail: "A PATCH needs an If-Match field.",
		Remedy: "Send the entity-tag of the 201, or * to restart ICE.",
	}
}

func refusePrecondition() *wish.Refusal {
	return &wish.Refusal{
		Status: 412, Code: "etag_mismatch",
		Detail: "The entity-tag is not that of the current ICE session.",
		Remedy: "Use the entity-tag of the last restart's reply, or restart ICE with If-Match: *.",
	}
}

func refuseCredentials(detail string) *wish.Refusal {
	return &wish.Refusal{
		Status: 422, Code: "ice_credentials",
		Detail: detail,
		Remedy: "To restart ICE send a new ufrag of 4 to 256 and a new pwd of 22 to 256 characters (RFC 8839 5.4); " +
			"to add candidates send those of the session or none. The session goes on.",
	}
}

// refuseGeneration names ufrags, which are no secret between the two ends.
func refuseGeneration(got, have string) *wish.Refusal {
	return &wish.Refusal{
		Status: 422, Code: "ice_ufrag_mismatch",
		Detail:  fmt.Sprintf("The candidates are of ufrag %s, session has %s.", got, have),
		Remedy:  "Send candidates of the current ICE session, or a new ufrag and pwd to restart ICE.",
		Offered: []string{got}, Has: []string{have},
	}
}

func refuseTooManyCandidates() *wish.Refusal {
	return &wish.Refusal{
		Status: 422, Code: "too_many_candidates",
		Detail: "The session has as many candidates as it may have.",
		Remedy: "Restart ICE to begin a new set.",
	}
}
