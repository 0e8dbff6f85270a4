package request

import (
	"net/http"
	"strconv"
	"strings"
)

// Prefers returns which of these media types the request names in Accept and likes best (RFC 9110 12.5.1), the first of
// them among equals, "" where it names none. A range such as */* names none: every client sends it.
func Prefers(r *http.Request, types ...string) string {
	best, highest := "", 0.0
	accept := strings.Join(r.Header.Values("Accept"), ",")
	for _, mediaType := range types {
		if w := weightIn(accept, mediaType); w > highest {
			best, highest = mediaType, w
		}
	}
	return best
}

func weightIn(accept, mediaType string) float64 {
	for element := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(element, ";")
		if !strings.EqualFold(strings.TrimSpace(name), mediaType) {
			continue
		}
		for parameter := range strings.SplitSeq(parameters, ";") {
			if key, value, _ := strings.Cut(strings.TrimSpace(parameter), "="); strings.EqualFold(key, "q") {
				weight, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return 0
				}
				return weight
			}
		}
		return 1
	}
	return 0
}
