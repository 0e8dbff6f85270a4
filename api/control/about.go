package control

import (
	"fmt"
	"net/http"
	"time"

	"weir/api/request"
	"weir/internal/wish"
)

// Version is what a server is.
type Version struct {
	Version  string   `json:"version"`
	Go       string   `json:"go"`
	OS       string   `json:"os"`
	Arch     string   `json:"arch"`
	Encoders []string `json:"encoders"` // that are built in, as people call them
}

// Health says that the server answers.
func (a *API) Health(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// Ready says whether streams can be played.
func (a *API) Ready(w http.ResponseWriter, _ *http.Request) error {
	if !a.options.Ready() {
		return &wish.Refusal{
			Status: http.StatusServiceUnavailable, Code: "not_ready",
			Detail: "The server is starting or ending.", Remedy: "Ask again.", Headers: map[string]string{"Retry-After": "1"},
		}
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// Version says what the server is.
func (a *API) Version(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	v := a.options.Version
	if v.Encoders == nil {
		v.Encoders = []string{}
	}
	return writeJSON(w, http.StatusOK, v)
}

// wallTime is a number of milliseconds that is exact to a microsecond, which a float of JSON's would not say so plainly.
type wallTime time.Time

// MarshalJSON implements json.Marshaler.
func (t wallTime) MarshalJSON() ([]byte, error) {
	micro := time.Time(t).UnixMicro()
	return fmt.Appendf(nil, "%d.%03d", micro/1000, micro%1000), nil
}

// Time says what the clock shows that pictures and sounds are stamped by.
func (a *API) Time(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]wallTime{"unix_ms": wallTime(time.Now())})
}
