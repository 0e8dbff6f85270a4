// Package static holds the pages, as they are: no build step, nothing from another host.
//
//	whep.js        plays a stream by WHEP; an ES module that any page may import
//	watch.html     the player page, with watch.js and watch.css
//	notfound.html  what a browser gets for an address that leads nowhere
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed files
var embedded embed.FS

// Files are the pages and their parts. They do not change after New; all methods may be used concurrently.
type Files struct {
	byName map[string]file
}

type file struct {
	content     []byte
	contentType string
	etag        string // strong (RFC 9110 8.8.3), made from the content
}

// New loads the files.
func New() (*Files, error) {
	files := &Files{byName: make(map[string]file)}
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		return nil, fmt.Errorf("list embedded files: %w", err)
	}
	for _, entry := range entries {
		content, err := embedded.ReadFile(path.Join("files", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read embedded file %s: %w", entry.Name(), err)
		}
		contentType, err := typeOf(entry.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		files.byName[entry.Name()] = file{
			content: content, contentType: contentType, etag: `"` + hex.EncodeToString(sum[:12]) + `"`,
		}
	}
	return files, nil
}

// typeOf names the types itself: what package mime knows differs from machine to machine.
func typeOf(name string) (string, error) {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8", nil
	case ".css":
		return "text/css; charset=utf-8", nil
	case ".js":
		return "text/javascript; charset=utf-8", nil
	case ".svg":
		return "image/svg+xml", nil
	}
	return "", fmt.Errorf("embedded file %s: no type known for it", name)
}

// Part reports whether name is a part of the pages that may be fetched on its own: every file but the pages.
func (f *Files) Part(name string) bool {
	found, ok := f.byName[name]
	if !ok {
		return false
	}
	mediaType, _, err := mime.ParseMediaType(found.contentType)
	return err == nil && mediaType != "text/html"
}

// Serve writes the named file with the status. A client may keep it but must ask each time whether it still holds, so
// that a page never runs with another version's parts. It fails when there is no such file.
func (f *Files) Serve(w http.ResponseWriter, r *http.Request, name string, status int) error {
	found, ok := f.byName[name]
	if !ok {
		return fmt.Errorf("serve %q: %w", name, fs.ErrNotExist)
	}
	h := w.Header()
	h.Set("Content-Type", found.contentType)
	h.Set("Cache-Control", "no-cache")
	if status == http.StatusOK {
		h.Set("ETag", found.etag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(found.content))
		return nil
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := w.Write(found.content); err != nil {
		return fmt.Errorf("serve %q: %w", name, err)
	}
	return nil
}
