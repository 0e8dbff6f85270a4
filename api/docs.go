package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the description
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/goccy/go-yaml"

	"weir/api/request"
)

//go:embed openapi.yaml
var openapiYAML []byte

// A document is the API's description in its two forms. It does not change.
type document struct{ inYAML, inJSON form }

// A form is the document in one of them.
type form struct {
	content     []byte
	contentType string
	etag        string
}

func newDocument() (*document, error) {
	inJSON, err := yaml.YAMLToJSON(openapiYAML)
	if err != nil {
		return nil, fmt.Errorf("turn it into JSON: %w", err)
	}
	return &document{
		inYAML: newForm(openapiYAML, "application/yaml"), // RFC 9512
		inJSON: newForm(inJSON, request.TypeJSON),
	}, nil
}

func newForm(content []byte, contentType string) form {
	sum := sha256.Sum256(content)
	return form{content: content, contentType: contentType, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

func (v form) serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", v.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", v.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(v.content))
	return nil
}
