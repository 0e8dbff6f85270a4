package wish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// ReadOffer reads the body of a POST, an offer of at most limit bytes. It
// refuses another media type with 415 and Accept-Post, a longer body with 413,
// and one that is empty or no text with 400; whether the text is a session
// description is not looked at (RFC 9725 4.2).
func ReadOffer(w http.ResponseWriter, r *http.Request, limit int64) (string, error) {
	if err := CheckType(r, "Accept-Post", TypeSDP); err != nil {
		return "", err
	}
	body, err := ReadText(w, r, limit, "offer")
	if err != nil {
		return "", err
	}
	return string(body), nil
}

// mediaType is the Content-Type of a request in lower case and without its
// parameters, which are never looked at (RFC 9110 8.3.1). Several that differ
// are as one list of them, which is no type (RFC 9110 5.3).
func mediaType(r *http.Request) string {
	var types []string
	for _, value := range r.Header.Values("Content-Type") {
		name, _, _ := strings.Cut(value, ";")
		types = append(types, strings.ToLower(strings.TrimSpace(name)))
	}
	return strings.Join(slices.Compact(types), ", ")
}

// CheckType refuses a request whose body is of none of the media types, or that is
// compressed: accept is the field that says what would be taken.
func CheckType(r *http.Request, accept string, types ...string) error {
	if got := mediaType(r); !slices.Contains(types, got) {
		detail := "The body has no Content-Type"
		if got != "" {
			detail = "The body is of type " + printable(got)
		}
		return &Refusal{
			Status:  http.StatusUnsupportedMediaType,
			Code:    "wrong_media_type",
			Detail:  detail + ", not " + strings.Join(types, " or ") + ".",
			Remedy:  "Send it with Content-Type: " + types[0] + ".",
			Headers: map[string]string{accept: strings.Join(types, ", ")},
		}
	}
	err := CheckCoding(r)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		refusal.Headers[accept] = strings.Join(types, ", ")
	}
	return err
}

// CheckCoding refuses a request whose body is compressed (RFC 9110 8.4).
func CheckCoding(r *http.Request) error {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &Refusal{
			Status:  http.StatusUnsupportedMediaType,
			Code:    "wrong_content_encoding",
			Detail:  "The body is compressed.",
			Remedy:  "Send it without Content-Encoding.",
			Headers: map[string]string{"Accept-Encoding": "identity"},
		}
	}
	return nil
}

// ReadText reads a body of at most limit bytes that must be text. What names
// the body in refusals and their codes.
func ReadText(w http.ResponseWriter, r *http.Request, limit int64, what string) ([]byte, error) {
	if r.ContentLength > limit { // nobody has to wait for it
		return nil, RefuseRead(&http.MaxBytesError{Limit: limit}, what)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, RefuseRead(err, what)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, malformed(what, "The body is empty.")
	}
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return nil, malformed(what, "The body is no text.")
	}
	return body, nil
}

// RefuseRead is the refusal of a body that could not be read to its end.
func RefuseRead(err error, what string) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		remedy := "Send less: as a client makes it, it is some thousand bytes."
		if what == "body" {
			remedy = "Send less in one request."
		}
		return &Refusal{
			Status: http.StatusRequestEntityTooLarge,
			Code:   what + "_too_large",
			Detail: fmt.Sprintf("The body is longer than %d bytes.", tooLarge.Limit),
			Remedy: remedy,
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Refusal{
			Status: http.StatusRequestTimeout,
			Code:   what + "_timeout",
			Detail: "The body did not arrive in time.",
			Remedy: "Send it at once with the request; try again where the network was slow.",
		}
	}
	return &Refusal{
		Status: http.StatusBadRequest,
		Code:   what + "_incomplete",
		Detail: "The body ended before it was complete.",
		Remedy: "Send it again, as long as Content-Length says.",
	}
}

func malformed(what, detail string) *Refusal {
	remedy := map[string]string{
		"body":     "Send one JSON object.",
		"offer":    "Send the SDP offer as createOffer makes it.",
		"fragment": "Send ICE candidates as an SDP fragment (RFC 8840).",
		"if_match": "Send the entity-tag of the last reply as it came, in its double quotes, or * to restart ICE.",
	}
	return &Refusal{Status: http.StatusBadRequest, Code: what + "_malformed", Detail: detail, Remedy: remedy[what]}
}
