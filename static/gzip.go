package static

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
	"sync"
)

// large is the size from which on a file is packed.
const large = 32 << 10

// packedLater returns what packs the content once, or nil where that is not worth it.
func packedLater(content []byte) func() []byte {
	if len(content) < large {
		return nil
	}
	return sync.OnceValue(func() []byte {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(content) // a buffer takes everything
		_ = w.Close()
		return packed.Bytes()
	})
}

// takesGzip reads Accept-Encoding (RFC 9110 12.5.3).
func takesGzip(fields []string) bool {
	rest := false
	for element := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		coding, parameters, _ := strings.Cut(element, ";")
		takes := true
		if name, value, ok := strings.Cut(parameters, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			takes = err == nil && weight > 0
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return takes
		case "*":
			rest = takes
		}
	}
	return rest
}
