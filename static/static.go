// Package static holds the pages, as they are: no build step, nothing from another host.
//
//	home.html      the start page: sources, player, log, with home.js and home.css
//	streams.html   what is live
//	watch.html     the player page
//	embed.html     the picture alone, for a frame or a browser source
//	publish.html   a camera or a screen from the browser
//	docs.html      the API's description in Swagger UI, to be tried out; redoc.html the same to be read
//	notfound.html  what a browser gets for an address that leads nowhere
//	base.css       what the pages share; words.js says for all of them how it stands with a player
//	whep.js        plays a stream by WHEP; an ES module that any page may import
//	whip.js        publishes a stream by WHIP; the same
//	weir-player.js the element <weir-player>, for any page
//	vendor/        what is used of others; scripts/vendor.sh fetches it
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
	"strings"
	"time"
)

//go:embed files vendor
var embedded embed.FS

// Files are the pages and their parts. They do not change after New; all methods may be used concurrently.
type Files struct {
	byName map[string]file
}

type file struct {
	content     []byte
	contentType string
	etag        string        // strong (RFC 9110 8.8.3), made from the content
	packed      func() []byte // gzip, made when it is first asked for; nil where it is not worth it
}

// New loads the files. Those of others are named by their folder too: vendor/uplot.js.
func New() (*Files, error) {
	files := &Files{byName: make(map[string]file)}
	err := fs.WalkDir(embedded, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "files/")
		contentType, err := typeOf(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		files.byName[name] = file{
			content: content, contentType: contentType, etag: hex.EncodeToString(sum[:12]), packed: packedLater(content),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load embedded files: %w", err)
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
	case ".txt":
		return "text/plain; charset=utf-8", nil
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

// Serve writes the named file with the status; a large one packed where the client takes that. A client may keep it but
// must ask each time whether it still holds, so that a page never runs with another version's parts. It fails when
// there is no such file.
func (f *Files) Serve(w http.ResponseWriter, r *http.Request, name string, status int) error {
	found, ok := f.byName[name]
	if !ok {
		return fmt.Errorf("serve %q: %w", name, fs.ErrNotExist)
	}
	h := w.Header()
	h.Set("Content-Type", found.contentType)
	h.Set("Cache-Control", "no-cache")
	if status == http.StatusOK {
		content, etag := found.content, found.etag
		if found.packed != nil {
			h.Add("Vary", "Accept-Encoding")
			if takesGzip(r.Header.Values("Accept-Encoding")) {
				content, etag = found.packed(), found.etag+"-gzip"
				h.Set("Content-Encoding", "gzip")
			}
		}
		h.Set("ETag", `"`+etag+`"`)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
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
