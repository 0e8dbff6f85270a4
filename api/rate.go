package api

import (
	"net/http"

	"weir/api/request"
	"weir/internal/wish"
	"weir/session/admission"
)

// limitRate refuses a client that sends what changes something faster than one address may, before anything is asked or
// read. It is told so whatever page it comes from.
func (f *face) limitRate(w http.ResponseWriter, r *http.Request) error {
	switch r.Method {
	case http.MethodPost, http.MethodPatch, http.MethodDelete:
	default:
		return nil
	}
	err := f.rates.Take(request.Client(r).Addr())
	if err != nil {
		f.options.Limited(admission.CodeTooFast)
		wish.AllowOrigin(w.Header())
	}
	return err
}
