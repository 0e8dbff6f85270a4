package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/api/request"
	"weir/internal/wish"
	"weir/publisher"
)

// uploadPause is how long nothing may arrive of an upload before it counts as broken off.
const uploadPause = 30 * time.Second

// fileAnswer is a media file.
type fileAnswer struct {
	Path     string          `json:"path"`
	Complete bool            `json:"complete"`
	Size     *int64          `json:"size,omitempty"`
	Modified string          `json:"modified,omitempty"`
	Report   json.RawMessage `json:"report,omitempty"`
	Problem  string          `json:"problem,omitempty"` // why there is no report
	Upload   *uploadAnswer   `json:"upload,omitempty"`
}

// uploadAnswer is what has arrived of a file.
type uploadAnswer struct {
	Path     string `json:"path"`
	Received int64  `json:"received"`
	Size     int64  `json:"size"`
	Expires  string `json:"expires"`
}

func answerUpload(u publisher.PartialUpload) uploadAnswer {
	return uploadAnswer{Path: u.Path, Received: u.Received, Size: u.Size, Expires: instant(u.Expires)}
}

func answerFile(f publisher.MediaFile) fileAnswer {
	answer := fileAnswer{Path: f.Path}
	if !f.Modified.IsZero() {
		answer.Complete, answer.Size, answer.Modified, answer.Report = true, &f.Size, instant(f.Modified), f.Report
		if f.Problem != "" {
			answer.Problem = sentence(f.Problem)
		}
	}
	if f.Upload != nil {
		answer.Upload = new(answerUpload(*f.Upload))
	}
	return answer
}

// library returns the media files, or the refusal that there are none to be had.
func (a *API) library() (publisher.Library, error) {
	if a.options.Library == nil {
		return nil, &wish.Refusal{
			Status: http.StatusNotFound, Code: "media_folder_missing",
			Detail: "This server has no media folder.",
			Remedy: "Name one with media.dir in the configuration, or WEIR_MEDIA_DIR, and start the server anew.",
		}
	}
	return a.options.Library, nil
}

// file returns the media files and the path of the one that a request is about.
func (a *API) file(r *http.Request) (library publisher.Library, name string, err error) {
	if _, err := request.Query(r); err != nil {
		return nil, "", err
	}
	library, err = a.library()
	return library, strings.TrimPrefix(r.PathValue("path"), "/"), err
}

// ListFiles lists the media files by path, and the uploads under way.
func (a *API) ListFiles(w http.ResponseWriter, r *http.Request) error {
	values, err := request.Query(r, "limit", "after")
	if err != nil {
		return err
	}
	c, err := request.ReadCut(values)
	if err != nil {
		return err
	}
	library, err := a.library()
	if err != nil {
		return err
	}
	page, err := library.Files(r.Context(), c.After, c.Limit)
	if err != nil {
		return fmt.Errorf("list media files: %w", err)
	}
	answer := struct {
		Files   []fileAnswer   `json:"files"`
		Uploads []uploadAnswer `json:"uploads"`
		Next    string         `json:"next,omitempty"`
	}{[]fileAnswer{}, []uploadAnswer{}, page.Next}
	for _, one := range page.Files {
		answer.Files = append(answer.Files, answerFile(one))
	}
	for _, one := range page.Uploads {
		answer.Uploads = append(answer.Uploads, answerUpload(one))
	}
	return writeJSON(w, http.StatusOK, answer)
}

// ShowFile shows the media file of path value "path", or how far its upload has come.
func (a *API) ShowFile(w http.ResponseWriter, r *http.Request) error {
	library, name, err := a.file(r)
	if err != nil {
		return err
	}
	found, err := library.File(r.Context(), name)
	if err != nil {
		return err //nolint:wrapcheck // in the table of refusals
	}
	if u := found.Upload; u != nil {
		sayProgress(w.Header(), u.Received, u.Size, false)
	} else {
		sayProgress(w.Header(), found.Size, found.Size, true)
	}
	return writeJSON(w, http.StatusOK, answerFile(found))
}

// sayProgress says how far an upload has come, in the fields of draft-ietf-httpbis-resumable-upload. It is complete when the
// file is there, which all its bytes alone do not make.
func sayProgress(h http.Header, received, size int64, is bool) {
	h.Set("Upload-Offset", strconv.FormatInt(received, 10))
	h.Set("Upload-Length", strconv.FormatInt(size, 10))
	complete := "?0" // RFC 9651 3.3.6
	if is {
		complete = "?1"
	}
	h.Set("Upload-Complete", complete)
}

// PutFile takes a media file, or a part of it (draft-ietf-httpbis-resumable-upload).
func (a *API) PutFile(w http.ResponseWriter, r *http.Request) error {
	library, name, err := a.file(r)
	if err != nil {
		return err
	}
	if err := wish.CheckCoding(r); err != nil {
		return err
	}
	upload, err := readPart(r)
	if err != nil {
		return err
	}
	if err := checkUnchanged(r, library, name); err != nil {
		return err
	}
	body := &arriving{body: r.Body, control: http.NewResponseController(w), left: upload.Length}
	upload.Body = body
	stored, err := library.Put(r.Context(), name, upload)
	switch {
	case body.err != nil:
		sayProgress(w.Header(), stored.Received, upload.Size, false)
		return wish.RefuseRead(body.err, "body")
	case err != nil:
		return err //nolint:wrapcheck // in the table of refusals
	}
	found, err := library.File(r.Context(), name)
	if err != nil {
		return err //nolint:wrapcheck // in the table of refusals: it has been deleted meanwhile
	}
	sayProgress(w.Header(), stored.Received, upload.Size, stored.Complete)
	status := http.StatusAccepted
	switch {
	case stored.Replaced:
		status = http.StatusOK
	case stored.Complete:
		status = http.StatusCreated
		w.Header().Set("Location", r.URL.EscapedPath())
	}
	return writeJSON(w, status, answerFile(found))
}

// DeleteFile deletes a media file and what has arrived of an upload.
func (a *API) DeleteFile(w http.ResponseWriter, r *http.Request) error {
	library, name, err := a.file(r)
	if err != nil {
		return err
	}
	if err := checkUnchanged(r, library, name); err != nil {
		return err
	}
	if err := library.Delete(r.Context(), name); err != nil {
		return err //nolint:wrapcheck // in the table of refusals
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// checkUnchanged refuses a request whose If-Match or, without that, If-Unmodified-Since does not hold (RFC 9110 13.1.1, 13.1.4
// and 13.2.2). Files have no entity-tags here: a star says that there is the file, and a tag names none.
func checkUnchanged(r *http.Request, library publisher.Library, name string) error {
	match, malformed := wish.ParseIfMatch(r.Header.Values("If-Match"))
	since, unread := http.ParseTime(r.Header.Get("If-Unmodified-Since"))
	dated := unread == nil // a date that cannot be read means nothing
	if malformed == nil && match.Missing() && !dated {
		return nil
	}
	found, err := library.File(r.Context(), name)
	if err != nil && !errors.Is(err, publisher.ErrNoFile) {
		return err //nolint:wrapcheck // in the table of refusals
	}
	there := err == nil && !found.Modified.IsZero()
	switch {
	case malformed != nil: // it is no tag of the file's either
	case match.Missing() && (!there || !found.Modified.Truncate(time.Second).After(since)), match.Any() && there:
		return nil
	}
	return &wish.Refusal{
		Status: http.StatusPreconditionFailed, Code: "file_changed",
		Detail: "The file is not, or not any more, as the request wants it to be.",
		Remedy: "Look at it again. Files have no entity-tags here: send If-Unmodified-Since, or If-Match with a star for a file that is there.",
	}
}

// readPart reads which part of a file a request brings (RFC 9110 14.4 and 14.5): without Content-Range all of it.
func readPart(r *http.Request) (u publisher.Upload, err error) {
	u.New = strings.TrimSpace(r.Header.Get("If-None-Match")) == "*"
	u.Length, u.Size = r.ContentLength, r.ContentLength
	fields := r.Header.Values("Content-Range")
	if len(fields) > 0 {
		if u.Offset, u.Length, u.Size, err = parseContentRange(strings.Join(fields, ", ")); err != nil {
			return u, &wish.Refusal{
				Status: http.StatusBadRequest, Code: "content_range_malformed", Detail: "The field Content-Range cannot be read.",
				Remedy: "Send it as bytes 0-99/1000: the first byte, the last one, and the length of the whole file.",
			}
		}
	}
	switch {
	case r.ContentLength < 0 && len(fields) == 0:
		return u, &wish.Refusal{
			Status: http.StatusLengthRequired, Code: "length_missing", Detail: "The request does not say how long the file is.",
			Remedy: "Send Content-Length, or Content-Range with a part.",
		}
	case r.ContentLength >= 0 && r.ContentLength != u.Length:
		return u, &wish.Refusal{
			Status: http.StatusBadRequest, Code: "content_range_malformed",
			Detail: "The body is not as long as the part that Content-Range names.",
			Remedy: "Send a Content-Range for the body, or a body for the Content-Range.",
		}
	case u.Size == 0:
		return u, &wish.Refusal{
			Status: http.StatusUnprocessableEntity, Code: "file_empty", Detail: "The file has no bytes.",
			Remedy: "Send it as the body. With curl: curl -T FILE.",
		}
	}
	return u, nil
}

var errContentRange = errors.New("not a Content-Range")

// parseContentRange reads "bytes 0-99/1000" as offset 0, length 100 and size 1000.
func parseContentRange(field string) (offset, length, size int64, err error) {
	unit, rest, _ := strings.Cut(field, " ")
	span, whole, _ := strings.Cut(rest, "/")
	first, last, _ := strings.Cut(span, "-")
	var numbers [3]int64
	for i, text := range []string{first, last, whole} {
		n, err := strconv.ParseUint(text, 10, 63) // no sign, no space
		if err != nil {
			return 0, 0, 0, errContentRange
		}
		numbers[i] = int64(n)
	}
	offset, end, size := numbers[0], numbers[1], numbers[2]
	if !strings.EqualFold(unit, "bytes") || end < offset || end >= size {
		return 0, 0, 0, errContentRange
	}
	return offset, end - offset + 1, size, nil
}

// arriving is the body of an upload, which may take hours as long as something comes. It keeps its error, so that one of
// the client's is told from one of the disk's.
type arriving struct {
	body    io.Reader
	control *http.ResponseController
	left    int64 // bytes that were said to come
	err     error // where they did not
}

// Read sets the connection's deadline before, and lifts it behind the last byte: from there on the server itself reads,
// to notice a client that has gone, and would take the deadline for one.
func (a *arriving) Read(p []byte) (int, error) {
	_ = a.control.SetReadDeadline(time.Now().Add(uploadPause)) // a test's recorder has none
	n, err := a.body.Read(p)
	if a.left -= int64(n); a.left <= 0 {
		_ = a.control.SetReadDeadline(time.Time{})
	} else if err != nil {
		a.err = err
	}
	return n, err //nolint:wrapcheck // a Reader
}
