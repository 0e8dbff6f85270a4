package library

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"weir/publisher"
)

const (
	// uploadLife is how long an unfinished upload is kept after its last byte.
	uploadLife = 24 * time.Hour
	sweepEvery = time.Hour
	// maxUploads arrive at once.
	maxUploads = 8
	// maxFiles are listed: a folder that has more is not a media folder. All count against the quota.
	maxFiles = 20_000
	// openFlags keep a pipe that took a file's place from blocking who opens it.
	openFlags = syscall.O_NONBLOCK
)

// Options are what Open needs.
type Options struct {
	// Dir is the folder. It must be there.
	Dir string
	// Quota is what the files may come to for another to be taken, bytes.
	Quota int64
	// KeepFree is what an upload leaves free on the disk, bytes.
	KeepFree int64
	// Probe looks into a file, which it does not close. Its error is shown to people; one that wraps neither
	// media.ErrDamaged nor media.ErrUnsupported says nothing of the file, and it is called again. It is called from several goroutines at once.
	Probe func(ctx context.Context, f *os.File) (json.RawMessage, error)
	// Event reports what comes and goes; nil: nobody listens.
	Event func(name string, attrs ...slog.Attr)
}

// A Library is a folder of media files: a publisher.Library. Everything goes through an os.Root, so that neither a path
// nor a link leads out of the folder.
type Library struct {
	// static after Open
	options Options
	root    *os.Root
	probes  *probes
	most    int // files that are listed

	admitting sync.Mutex // over the look at the quota and the taking of its share

	mu     sync.Mutex
	inHand map[string]bool // paths that are uploaded or deleted just now
}

// Open opens the folder. It starts nothing.
func Open(o Options) (*Library, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open media folder: %w", err)
	}
	if o.Event == nil {
		o.Event = func(string, ...slog.Attr) {}
	}
	return &Library{options: o, root: root, probes: newProbes(o.Probe), most: maxFiles, inHand: map[string]bool{}}, nil
}

// Run removes unfinished uploads that have expired, now and then, until ctx ends; then the library is closed.
func (l *Library) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		l.sweep(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err := l.root.Close(); err != nil {
				return fmt.Errorf("close media folder: %w", err)
			}
			return nil
		}
	}
}

// Open opens a file for reading: a regular one, whatever happens to its name meanwhile. It fails with
// publisher.ErrNoFile and publisher.ErrFileName.
func (l *Library) Open(name string) (*os.File, error) {
	if !publisher.ValidPath(name) {
		return nil, publisher.ErrFileName
	}
	info, err := l.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, missing(err)
	}
	f, err := l.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, missing(err)
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(missing(err), f.Close())
	}
	return f, nil
}

// missing makes ErrNoFile of what says that there is no such file here; nil is no regular file.
func missing(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) || isEscape(err) {
		return publisher.ErrNoFile
	}
	return fmt.Errorf("open media file: %w", err)
}

// isEscape says that os.Root refused to leave the folder, or that a file stands where a folder should, or that links
// lead in a circle. None of them has an error of its own on all systems.
func isEscape(err error) bool {
	pathError, ok := errors.AsType[*fs.PathError](err)
	if !ok || pathError.Err == nil {
		return false
	}
	for _, other := range []error{fs.ErrPermission, os.ErrClosed, syscall.EMFILE, syscall.ENFILE, syscall.EIO} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

// Files lists files, and with the first page unfinished uploads.
func (l *Library) Files(ctx context.Context, after string, limit int) (publisher.LibraryPage, error) {
	found, err := l.scan(ctx)
	if err != nil {
		return publisher.LibraryPage{}, err
	}
	var page publisher.LibraryPage
	if after == "" {
		for _, p := range found.parts {
			page.Uploads = append(page.Uploads, p.upload())
		}
	}
	begin, is := slices.BinarySearchFunc(found.files, after, func(e entry, after string) int { return cmp.Compare(e.path, after) })
	if is {
		begin++
	}
	files := found.files[begin:min(len(found.files), begin+limit)]
	if begin+len(files) < len(found.files) {
		page.Next = files[len(files)-1].path
	}
	page.Files, err = l.lookAt(ctx, files)
	return page, err
}

// lookAt probes some files side by side.
func (l *Library) lookAt(ctx context.Context, entries []entry) ([]publisher.MediaFile, error) {
	files := make([]publisher.MediaFile, len(entries))
	var wg sync.WaitGroup
	for part := range maxProbes {
		wg.Go(func() {
			for i := part; i < len(entries) && ctx.Err() == nil; i += maxProbes {
				files[i] = l.describe(ctx, entries[i])
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("look into media files: %w", err)
	}
	return files, nil
}

// File looks at one.
func (l *Library) File(ctx context.Context, name string) (publisher.MediaFile, error) {
	if !publisher.ValidPath(name) {
		return publisher.MediaFile{}, publisher.ErrFileName
	}
	if parts, err := l.partsOf(name); err == nil && len(parts) > 0 && parts[0].full() {
		if release, err := l.take(name, 0); err == nil {
			_ = l.finishFull(parts[0]) // else it is still an upload, and the next look tries again
			release()
		}
	}
	file := publisher.MediaFile{Path: name}
	info, err := l.root.Stat(name)
	if err != nil && !errors.Is(missing(err), publisher.ErrNoFile) {
		return publisher.MediaFile{}, missing(err)
	}
	there := err == nil && info.Mode().IsRegular()
	if there {
		file = l.describe(ctx, entry{name, info.Size(), info.ModTime()})
	}
	parts, err := l.partsOf(name)
	if err != nil {
		return publisher.MediaFile{}, err
	}
	if len(parts) > 0 {
		file.Upload = new(parts[0].upload())
	}
	if !there && file.Upload == nil {
		return publisher.MediaFile{}, publisher.ErrNoFile
	}
	return file, nil
}

func (l *Library) describe(ctx context.Context, e entry) publisher.MediaFile {
	file := publisher.MediaFile{Path: e.path, Size: e.size, Modified: e.modified}
	report, err := l.probes.of(ctx, e, func() (*os.File, error) { return l.Open(e.path) })
	if err != nil {
		file.Problem = err.Error()
	}
	file.Report = report
	return file
}

// Delete removes a file and what has arrived of an upload of its name.
func (l *Library) Delete(_ context.Context, name string) error {
	if !publisher.ValidPath(name) {
		return publisher.ErrFileName
	}
	release, err := l.take(name, 0)
	if err != nil {
		return err
	}
	defer release()
	parts, err := l.partsOf(name)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := l.root.Remove(p.file); err != nil {
			return fmt.Errorf("remove an upload: %w", err)
		}
	}
	info, err := l.root.Stat(name) // as File does: what is not there for it is left alone
	switch {
	case err == nil && info.Mode().IsRegular():
		if err := l.root.Remove(name); err != nil {
			return fmt.Errorf("remove a media file: %w", err)
		}
	case len(parts) == 0:
		return missing(err)
	}
	l.options.Event("file_deleted", slog.String("file", name))
	return nil
}

// take keeps all others from the name, until it is released. Uploads are counted against most, unless it is 0.
func (l *Library) take(name string, most int) (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.inHand[name]:
		return nil, publisher.ErrUploadBusy
	case most > 0 && len(l.inHand) >= most:
		return nil, publisher.ErrTooManyUploads
	}
	l.inHand[name] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.inHand, name)
	}, nil
}

// newPath holds what a new file can be called: a name that every system can have, and that reads as it is written.
func newPath(name string) bool {
	odd := func(c rune) bool {
		return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || strings.ContainsRune(`\:*?"<>|`, c)
	}
	return publisher.ValidPath(name) && !strings.ContainsFunc(name, odd) &&
		!strings.HasSuffix(name, ".") && !strings.HasSuffix(name, " ") && path.Ext(name) != ""
}
