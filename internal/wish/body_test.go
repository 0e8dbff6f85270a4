package wish_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"weir/internal/wish"
)

// announced is a body that is said to be long.
type announced struct{ io.Reader }

func TestReadOffer(t *testing.T) {
	t.Parallel()
	const offer = "v=0\r\n"
	for _, test := range []struct {
		rule, mediaType string
		body            io.Reader
		status          int
		code            string
	}{
		{rule: "xx-01", mediaType: "application/sdp", body: strings.NewReader(offer)},
		{rule: "xx-05 parameter", mediaType: "application/sdp; charset=utf-8", body: strings.NewReader(offer)},
		{rule: "xx-05 broken parameter", mediaType: "application/sdp;", body: strings.NewReader(offer)},
		{rule: "xx-05 case", mediaType: "Application/SDP", body: strings.NewReader(offer)},
		{rule: "xx-05 text", mediaType: "text/plain", body: strings.NewReader(offer), status: 415, code: "wrong_media_type"},
		{rule: "xx-05 sdpx", mediaType: "application/sdpx", body: strings.NewReader(offer), status: 415, code: "wrong_media_type"},
		{rule: "xx-05 none", body: strings.NewReader(offer), status: 415, code: "wrong_media_type"},
		{rule: "BAD-01", mediaType: "application/sdp", body: strings.NewReader(""), status: 400, code: "offer_malformed"},
		{rule: "BAD-02", mediaType: "application/sdp", body: strings.NewReader(strings.Repeat("x", 101)), status: 413, code: "offer_too_large"},
		{rule: "BAD-03", mediaType: "application/sdp", body: strings.NewReader("v=0\x00"), status: 400, code: "offer_malformed"},
		{rule: "BAD-03 no UTF-8", mediaType: "application/sdp", body: strings.NewReader("v=0\xff"), status: 400, code: "offer_malformed"},
		{rule: "BAD-02 that is announced", mediaType: "application/sdp", body: announced{strings.NewReader("v=0\r\n")}, status: 413, code: "offer_too_large"},
		{rule: "xx-05 two types", mediaType: "application/sdp|text/plain", body: strings.NewReader(offer), status: 415, code: "wrong_media_type"},
		{rule: "xx-05 one type twice", mediaType: "application/sdp|Application/sdp", body: strings.NewReader(offer)},
		{rule: "body too late", mediaType: "application/sdp", body: iotest.ErrReader(os.ErrDeadlineExceeded), status: 408, code: "offer_timeout"},
		{rule: "body cut off", mediaType: "application/sdp", body: iotest.ErrReader(io.ErrUnexpectedEOF), status: 400, code: "offer_incomplete"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/whep/x", test.body)
			for value := range strings.SplitSeq(test.mediaType, "|") {
				if value != "" {
					r.Header.Add("Content-Type", value)
				}
			}
			if _, ok := test.body.(announced); ok {
				r.ContentLength = 1_000_000_000
			}
			got, err := wish.ReadOffer(httptest.NewRecorder(), r, 100)
			if test.status == 0 {
				if err != nil || got != offer {
					t.Fatalf("read %q: %v", got, err)
				}
				return
			}
			refusal, ok := errors.AsType[*wish.Refusal](err)
			if !ok || refusal.Status != test.status || refusal.Code != test.code {
				t.Fatalf("got %v, want a refusal with %d %s", err, test.status, test.code)
			}
			if test.status == 415 && refusal.Headers["Accept-Post"] != "application/sdp" {
				t.Errorf("Accept-Post is %q", refusal.Headers["Accept-Post"])
			}
		})
	}
}
