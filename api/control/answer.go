package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"weir/api/request"
)

// writeJSON answers with a value that changes all the time. A client that has gone is not told about, by nobody.
func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	w.Header().Set("Content-Type", request.TypeJSON)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(append(body, '\n')); err != nil {
		return nil //nolint:nilerr // the client has gone: there is nobody to tell
	}
	return nil
}

// instant is a moment as the API writes it: RFC 3339, UTC, milliseconds.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// milliseconds of a duration, exact to a microsecond.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
