package publisher

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxDepth = 8 // of a Library's folders
	// maxName of a file or folder, bytes: what is appended for an upload must fit the 255 that file systems take.
	maxName = 200
	maxPath = 1_024
)

// A Library is a folder of media files. A file's path is below the folder, with slashes: "shows/one.mp4". No path, and no
// link, leads out of the folder; what is hidden, and what is no regular file, is not there. Methods may be called from
// many goroutines at once.
type Library interface {
	// Files lists at most limit files whose paths sort behind after, and all unfinished uploads.
	Files(ctx context.Context, after string, limit int) (LibraryPage, error)
	// File looks at one: at its upload alone where it has not arrived yet. It fails with ErrNoFile and ErrFileName.
	File(ctx context.Context, path string) (MediaFile, error)
	// Put takes a part of a file, or all of it, and blocks while it arrives. The file is there at once when its last byte
	// has come, and not before; what arrived of it is kept for a later Put when the body ends too early.
	Put(ctx context.Context, path string, u Upload) (Stored, error)
	// Delete removes a file, and what has arrived of an upload.
	Delete(ctx context.Context, path string) error
}

// ValidPath holds what a file of a Library can be called: nothing hidden, and nothing above.
func ValidPath(name string) bool {
	if !fs.ValidPath(name) || name == "." || len(name) > maxPath || !utf8.ValidString(name) {
		return false
	}
	parts := strings.Split(name, "/")
	return len(parts) <= maxDepth && !slices.ContainsFunc(parts, func(part string) bool {
		return part[0] == '.' || len(part) > maxName || strings.ContainsRune(part, 0)
	})
}

// A LibraryPage is a part of a Library's list.
type LibraryPage struct {
	Files   []MediaFile     // sorted by path
	Next    string          // what to ask for after it; "" at the end
	Uploads []PartialUpload // sorted by path; with the first page only
}

// A MediaFile is one file of a Library.
type MediaFile struct {
	Path     string
	Size     int64     // bytes
	Modified time.Time // zero: nothing is there yet but Upload
	// Report is what was found in it; nil where Problem says why it cannot be played.
	Report  json.RawMessage
	Problem string
	Upload  *PartialUpload // under way, or waiting to go on
}

// A PartialUpload is a file that has not arrived in whole.
type PartialUpload struct {
	Path           string
	Received, Size int64     // bytes
	Expires        time.Time // then it is removed, unless more arrives
}

// An Upload is one part of a file that arrives, from Offset on.
type Upload struct {
	Body                 io.Reader
	Offset, Length, Size int64 // of the part, and of the whole file; bytes
	New                  bool  // fail with ErrFileExists where there is such a file
}

// Stored is what became of an Upload.
type Stored struct {
	Received int64 // of the whole file, bytes
	Complete bool  // the file is there
	Replaced bool  // another file of its name is not any more
}

// An OffsetError refuses a part that does not begin where the file's upload has come to.
type OffsetError struct{ Received, Size int64 } // bytes; both 0: no upload is under way

// Error says where it goes on.
func (e *OffsetError) Error() string {
	return fmt.Sprintf("upload goes on at byte %d of %d", e.Received, e.Size)
}
