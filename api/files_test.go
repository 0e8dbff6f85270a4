package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/api"
	"weir/publisher"
	"weir/publisher/library"
)

// aReport is what a library says of a file.
const aReport = `{"container":"mp4","size":5,"duration_ms":1,"tracks":[],"key_frame_interval_ms":0,"b_frames":false,"aac":false,"playable":false,"warnings":[]}`

// fakeLibrary has one file, and takes all.
type fakeLibrary struct{ err error }

func (l fakeLibrary) Files(ctx context.Context, _ string, _ int) (publisher.LibraryPage, error) {
	one, _ := l.File(ctx, "shows/one.mp4")
	return publisher.LibraryPage{Files: []publisher.MediaFile{one}}, l.err
}

func (l fakeLibrary) File(_ context.Context, name string) (publisher.MediaFile, error) {
	return publisher.MediaFile{Path: name, Size: 2, Modified: time.Unix(1, 0), Report: json.RawMessage(aReport)}, l.err
}

func (l fakeLibrary) Put(_ context.Context, _ string, u publisher.Upload) (publisher.Stored, error) {
	if l.err != nil {
		return publisher.Stored{}, l.err
	}
	n, err := io.CopyN(io.Discard, u.Body, u.Length)
	return publisher.Stored{Received: u.Offset + n, Complete: u.Offset+n == u.Size}, err
}

func (l fakeLibrary) Delete(context.Context, string) error { return l.err }

// newShelf is the HTTP face over a real media folder.
func newShelf(t *testing.T) (w *world, dir string) {
	t.Helper()
	dir = t.TempDir()
	folder, err := library.Open(library.Options{
		Dir: dir, Quota: 1 << 20,
		Probe: func(_ context.Context, f *os.File) (json.RawMessage, error) {
			if filepath.Ext(f.Name()) != ".mp4" {
				return nil, errors.New("it is no media file")
			}
			return json.RawMessage(aReport), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.Cleanup(func() { _ = folder.Run(ctx) })
	return newWorld(t, worldOptions{change: func(o *api.Options) { o.Library = folder }}), dir
}

func put(target, body string, fields ...string) call {
	return call{method: "PUT", target: target, body: body, fields: append(fields, "Authorization", "Bearer "+adminToken)}
}

type fileSeen struct {
	Path     string
	Complete bool
	Size     int64
	Report   struct{ Container string }
	Problem  string
	Upload   *struct{ Received, Size int64 }
}

// A file comes in parts, is listed when it is whole, is replaced, and goes.
func TestFiles(t *testing.T) {
	t.Parallel()
	w, dir := newShelf(t)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "shows"), 0o755), os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o644)); err != nil {
		t.Fatal(err)
	}
	const target = "/api/v1/files/shows/a%20b.mp4"
	for _, step := range []struct {
		call               call
		status             int
		offset, code, body string
	}{
		{put(target, "01234", "Content-Range", "bytes 0-4/10"), 202, "5", "", "0 of"},
		{call{method: "HEAD", target: target}, 200, "5", "", ""},
		{put(target, "x", "Content-Range", "bytes 4-4/10"), 416, "5", "upload_offset", ""},
		{put(target, "x", "Content-Range", "bytes 5-5/11"), 416, "5", "upload_offset", ""},
		{put("/api/v1/files/none.mp4", "x", "Content-Range", "bytes 5-5/11"), 416, "0", "upload_offset", ""},
		{put(target, "56789", "Content-Range", "bytes 5-9/10"), 201, "10", "", ""},
		{put(target, "x", "If-None-Match", "*"), 412, "", "file_exists", ""},
		{put(target, "x", "If-Match", `"zz"`), 412, "", "file_changed", ""},
		{put(target, "x", "If-Match", "zz"), 412, "", "file_changed", ""},
		{put("/api/v1/files/shows/new.mp4", "x", "If-Match", "*"), 412, "", "file_changed", ""},
		{put(target, "x", "If-Unmodified-Since", "Sat, 01 Dec 1990 00:00:00 GMT"), 412, "", "file_changed", ""},
		{call{method: "DELETE", target: target, fields: []string{"If-Match", `"zz"`}}, 412, "", "file_changed", ""},
		{call{method: "DELETE", target: target, fields: []string{"If-Unmodified-Since", "Sat, 01 Dec 1990 00:00:00 GMT"}}, 412, "", "file_changed", ""},
		{put(target, "other", "If-Match", "*"), 200, "5", "", ""},
		{put(target, "other", "If-Unmodified-Since", "Sat, 01 Dec 2290 00:00:00 GMT"), 200, "5", "", ""},
		{put(target, "x", "Content-Range", "bytes 0-0/2000000"), 413, "", "file_too_large", ""},
		{put(target, "x", "Content-Range", "bytes 0-0/1048576"), 507, "", "media_quota_reached", ""},
		{put("/api/v1/files/none/x.mp4", "x"), 409, "", "folder_missing", ""},
		{put("/api/v1/files/shows", "x"), 422, "", "file_name_invalid", ""}, // no ending
		{put("/api/v1/files/.x.mp4", "x"), 422, "", "file_name_invalid", ""},
		{put("/api/v1/files/x.mp4", "x", "Content-Range", "bytes 0-1/10"), 400, "", "content_range_malformed", ""},
		{put("/api/v1/files/x.mp4", "x", "Content-Encoding", "gzip"), 415, "", "wrong_content_encoding", ""},
		{put("/api/v1/files/x.mp4", ""), 422, "", "file_empty", ""},
		{put("/api/v1/files/x.mp4?a=b", "x"), 400, "", "query_unknown", ""},
		{call{method: "GET", target: "/api/v1/files/../secret.mp4"}, 422, "", "file_name_invalid", ""},
		{call{method: "GET", target: "/api/v1/files/%2e%2e/secret.mp4"}, 422, "", "file_name_invalid", ""},
		{call{method: "GET", target: "/api/v1/files/..%2fsecret.mp4"}, 422, "", "file_name_invalid", ""},
		{call{method: "GET", target: "/api/v1/files/"}, 404, "", "not_found", ""},
		{call{method: "GET", target: "/api/v1/files/none.mp4"}, 404, "", "file_not_found", ""},
	} {
		if step.call.method != "PUT" {
			step.call.fields = append(step.call.fields, "Authorization", "Bearer "+adminToken)
		}
		a := step.call.send(t, w.face)
		code := ""
		if a.StatusCode >= 400 {
			code = a.problem(t).Code
		}
		if a.StatusCode != step.status || code != step.code || a.Header.Get("Upload-Offset") != step.offset {
			t.Errorf("%s %s %v: %d %s, offset %q, want %d %s %q", step.call.method, step.call.target, step.call.fields[:2],
				a.StatusCode, code, a.Header.Get("Upload-Offset"), step.status, step.code, step.offset)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "shows", "a b.mp4")); err != nil || string(text) != "other" {
		t.Errorf("%q, %v", text, err)
	}
	put("/api/v1/files/c.mp4", "1", "Content-Range", "bytes 0-0/3").send(t, w.face)
	list := decode[struct {
		Files   []fileSeen
		Uploads []struct {
			Path           string
			Received, Size int64
		}
		Next string
	}](t, w.administer(t, "GET", "/api/v1/files?limit=1", ""), 200)
	if diff := cmp.Diff([]fileSeen{{Path: "notes.txt", Complete: true, Size: 1, Problem: "It is no media file."}}, list.Files); diff != "" {
		t.Error(diff)
	}
	if len(list.Uploads) != 1 || list.Uploads[0].Path != "c.mp4" || list.Next != "notes.txt" {
		t.Errorf("%+v", list)
	}
	found := decode[fileSeen](t, w.administer(t, "GET", target, ""), 200)
	if diff := cmp.Diff(fileSeen{Path: "shows/a b.mp4", Complete: true, Size: 5, Report: struct{ Container string }{"mp4"}}, found); diff != "" {
		t.Error(diff)
	}
	for _, target := range []string{target, "/api/v1/files/c.mp4"} {
		if a := w.administer(t, "DELETE", target, ""); a.StatusCode != http.StatusNoContent {
			t.Errorf("delete %s: %d %s", target, a.StatusCode, a.Body)
		}
	}
}

// An upload of which all bytes have come is not complete before its file is there.
func TestUploadThatLacksItsName(t *testing.T) {
	t.Parallel()
	w, dir := newShelf(t)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "a.mp4"), 0o755), os.WriteFile(filepath.Join(dir, ".a.mp4.3.weir-upload"), []byte("123"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if a := w.administer(t, "HEAD", "/api/v1/files/a.mp4", ""); a.Header.Get("Upload-Complete") != "?0" || a.Header.Get("Upload-Offset") != "3" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if err := os.Remove(filepath.Join(dir, "a.mp4")); err != nil {
		t.Fatal(err)
	}
	if a := w.administer(t, "HEAD", "/api/v1/files/a.mp4", ""); a.Header.Get("Upload-Complete") != "?1" || a.Header.Get("Upload-Offset") != "3" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

// What a library refuses has a status and a code.
func TestFilesRefusals(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err    error
		status int
		code   string
	}{
		{publisher.ErrUploadBusy, 409, "upload_busy"},
		{publisher.ErrTooManyUploads, 503, "too_many_uploads"},
		{fmt.Errorf("write: %w", publisher.ErrDiskFull), 507, "disk_full"},
	} {
		w := newWorld(t, worldOptions{change: func(o *api.Options) { o.Library = fakeLibrary{err: row.err} }})
		a := put("/api/v1/files/x.mp4", "x").send(t, w.face)
		if a.StatusCode != row.status || a.problem(t).Code != row.code {
			t.Errorf("%v: %d %s", row.err, a.StatusCode, a.Body)
		}
	}
	w := newWorld(t, worldOptions{})
	for _, c := range []call{{method: "GET", target: "/api/v1/files"}, {method: "GET", target: "/api/v1/files/a.mp4"}, {method: "DELETE", target: "/api/v1/files/a.mp4"}} {
		if a := w.administer(t, c.method, c.target, ""); a.StatusCode != http.StatusNotFound || a.problem(t).Code != "media_folder_missing" {
			t.Errorf("%s %s without a folder: %d %s", c.method, c.target, a.StatusCode, a.Body)
		}
	}
}

// A connection that breaks leaves what came, and the upload goes on.
func TestUploadThatBreaksOff(t *testing.T) {
	t.Parallel()
	w, dir := newShelf(t)
	server := httptest.NewServer(w.face)
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tcp, ok := connection.(*net.TCPConn)
	if !ok {
		t.Fatalf("a connection of %T", connection)
	}
	_, err = io.WriteString(tcp, "PUT /api/v1/files/a.mp4 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+adminToken+"\r\nContent-Length: 10\r\n\r\n0123")
	if err := errors.Join(err, tcp.CloseWrite()); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(connection); err != nil || !strings.Contains(string(text), "Upload-Offset: 4\r\n") || !strings.HasPrefix(string(text), "HTTP/1.1 400") {
		t.Errorf("%s, %v", text, err)
	}
	_ = connection.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/api/v1/files/a.mp4", strings.NewReader("456789"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Range", "bytes 4-9/10")
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if text, err := os.ReadFile(filepath.Join(dir, "a.mp4")); err != nil || string(text) != "0123456789" || response.StatusCode != http.StatusCreated {
		t.Errorf("%s: %q, %v", response.Status, text, err)
	}
}
