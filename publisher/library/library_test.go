package library_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/media"
	"weir/publisher"
	"weir/publisher/library"
)

// A shelf is a library over a folder of the test's.
type shelf struct {
	*library.Library
	dir    string
	probed *atomic.Int32
}

func newShelf(t *testing.T, change func(*library.Options)) shelf {
	t.Helper()
	s := shelf{dir: t.TempDir(), probed: new(atomic.Int32)}
	o := library.Options{Dir: s.dir, Quota: 1 << 20, Probe: func(_ context.Context, f *os.File) (json.RawMessage, error) {
		s.probed.Add(1)
		all, err := io.ReadAll(f)
		if bytes.HasPrefix(all, []byte("bad")) {
			return nil, fmt.Errorf("%w: it is no media file", media.ErrUnsupported)
		}
		report, _ := json.Marshal(map[string]int{"bytes": len(all)})
		return report, err
	}}
	if change != nil {
		change(&o)
	}
	var err error
	if s.Library, err = library.Open(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.Cleanup(func() { _ = s.Run(ctx) })
	return s
}

func (s shelf) write(t *testing.T, name, text string) {
	t.Helper()
	full := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func (s shelf) paths(t *testing.T, after string, limit int) (paths []string, next string) {
	t.Helper()
	page, err := s.Files(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range page.Files {
		paths = append(paths, f.Path)
	}
	return paths, page.Next
}

// whole is an upload of all there is.
func whole(text string) publisher.Upload { return from(0, text, len(text)) }

func from(offset int, text string, size int) publisher.Upload {
	return publisher.Upload{Body: strings.NewReader(text), Offset: int64(offset), Length: int64(len(text)), Size: int64(size)}
}

func TestFilesListsRegularFiles(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	for _, name := range []string{"b.mp4", "a/c.mkv", "a.mp4", ".hidden.mp4", ".dir/x.mp4", "a/.c.mkv.7.weir-upload", "1/2/3/4/5/6/7/8.mp4", "1/2/3/4/5/6/7/8/9.mp4"} {
		s.write(t, name, "x")
	}
	outside := filepath.Join(t.TempDir(), "secret.mp4")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"1/2/3/4/5/6/7/8.mp4", "a.mp4", "a/c.mkv", "b.mp4"}
	if runtime.GOOS != "windows" {
		for link, to := range map[string]string{
			"out.mp4": outside, "outdir": filepath.Dir(outside), "rel.mp4": "../" + filepath.Base(filepath.Dir(outside)) + "/secret.mp4",
			"in.mp4": "b.mp4", "self.mp4": "self.mp4", "indir": "a", "dangling.mp4": "none.mp4",
		} {
			if err := os.Symlink(to, filepath.Join(s.dir, link)); err != nil {
				t.Fatal(err)
			}
		}
		want = []string{"1/2/3/4/5/6/7/8.mp4", "a.mp4", "a/c.mkv", "b.mp4", "in.mp4"}
	}
	for _, name := range []string{"out.mp4", "outdir", "rel.mp4", "self.mp4", "indir", "dangling.mp4"} { // which are not there
		if err := s.Delete(t.Context(), name); !errors.Is(err, publisher.ErrNoFile) {
			t.Errorf("delete %s: %v", name, err)
		}
		if _, err := os.Lstat(filepath.Join(s.dir, name)); err != nil && runtime.GOOS != "windows" {
			t.Errorf("then %s: %v", name, err)
		}
	}
	got, _ := s.paths(t, "", 100)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var paged []string
	for after, next := "", "more"; next != ""; after = next {
		var part []string
		part, next = s.paths(t, after, 2)
		paged = append(paged, part...)
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"out.mp4", "outdir/secret.mp4", "rel.mp4", "self.mp4", "dangling.mp4", "none.mp4", "a", "a.mp4/x"} {
		if _, err := s.Open(name); !errors.Is(err, publisher.ErrNoFile) {
			t.Errorf("open %s: %v", name, err)
		}
		if _, err := s.File(t.Context(), name); !errors.Is(err, publisher.ErrNoFile) {
			t.Errorf("look at %s: %v", name, err)
		}
	}
	if _, err := s.Put(t.Context(), "outdir/new.mp4", whole("x")); !errors.Is(err, publisher.ErrNoFolder) {
		t.Errorf("upload through a link: %v", err)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	for _, name := range []string{
		"", ".", "..", "../x.mp4", "/etc/passwd", "a/../../x.mp4", "a//b.mp4", "a/", ".x.mp4", "a/.x.mp4", "x\x00.mp4", "x\xff.mp4",
		strings.Repeat("n", 201) + ".mp4", strings.Repeat("d/", 8) + "x.mp4",
	} {
		if _, err := s.Open(name); !errors.Is(err, publisher.ErrFileName) {
			t.Errorf("open %q: %v", name, err)
		}
		if _, err := s.File(t.Context(), name); !errors.Is(err, publisher.ErrFileName) {
			t.Errorf("look at %q: %v", name, err)
		}
		if err := s.Delete(t.Context(), name); !errors.Is(err, publisher.ErrFileName) {
			t.Errorf("delete %q: %v", name, err)
		}
		if _, err := s.Put(t.Context(), name, whole("x")); !errors.Is(err, publisher.ErrFileName) {
			t.Errorf("put %q: %v", name, err)
		}
	}
	for _, name := range []string{`a\b.mp4`, "a:b.mp4", "a\n.mp4", "a?.mp4", "x.mp4.", "x.mp4 ", "no-ending", "a\u202e4pm.mp4", "a\u0085.mp4"} {
		if _, err := s.Put(t.Context(), name, whole("x")); !errors.Is(err, publisher.ErrFileName) {
			t.Errorf("put %q: %v", name, err)
		}
	}
}

// A report is kept while a file keeps its size and time, and an error is told.
func TestProbesAreKept(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	s.write(t, "a.mp4", "1234")
	s.write(t, "b.txt", "bad")
	for range 3 {
		page, err := s.Files(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := page.Files[0], page.Files[1]; string(a.Report) != `{"bytes":4}` || a.Problem != "" || b.Report != nil || b.Problem != "the file cannot be played: it is no media file" {
			t.Errorf("%+v", page.Files)
		}
	}
	if n := s.probed.Load(); n != 2 {
		t.Errorf("%d looks for two files", n)
	}
	s.write(t, "a.mp4", "12345")
	if f, err := s.File(t.Context(), "a.mp4"); err != nil || string(f.Report) != `{"bytes":5}` || s.probed.Load() != 3 {
		t.Errorf("%+v, %v after %d looks", f, err, s.probed.Load())
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	s.write(t, "shows/old.mp4", "x")
	stored, err := s.Put(t.Context(), "shows/new.mp4", from(0, "0123", 10))
	if err != nil || stored != (publisher.Stored{Received: 4}) {
		t.Fatal(stored, err)
	}
	if got, _ := s.paths(t, "", 10); !slices.Equal(got, []string{"shows/old.mp4"}) {
		t.Errorf("half a file is listed: %v", got)
	}
	f, err := s.File(t.Context(), "shows/new.mp4")
	if err != nil || f.Upload == nil || f.Upload.Received != 4 || f.Upload.Size != 10 || !f.Modified.IsZero() {
		t.Fatalf("%+v %v", f, err)
	}
	for _, u := range []publisher.Upload{from(5, "5", 10), from(3, "3", 10), from(4, "4", 11)} {
		_, err := s.Put(t.Context(), "shows/new.mp4", u)
		if offset, ok := errors.AsType[*publisher.OffsetError](err); !ok || *offset != (publisher.OffsetError{Received: 4, Size: 10}) {
			t.Errorf("part at %d of %d: %v", u.Offset, u.Size, err)
		}
	}
	if _, err := s.Put(t.Context(), "shows/none.mp4", from(5, "5", 10)); !errors.As(err, new(*publisher.OffsetError)) {
		t.Errorf("part of nothing: %v", err)
	}
	// A body that breaks off leaves what came.
	broken := from(4, "45", 10)
	broken.Length = 6
	if stored, err := s.Put(t.Context(), "shows/new.mp4", broken); !errors.Is(err, io.ErrUnexpectedEOF) || stored.Received != 6 || stored.Complete {
		t.Errorf("%+v %v", stored, err)
	}
	if stored, err := s.Put(t.Context(), "shows/new.mp4", from(6, "6789", 10)); err != nil || stored != (publisher.Stored{Received: 10, Complete: true}) {
		t.Errorf("%+v %v", stored, err)
	}
	s.holds(t, "shows/new.mp4", "0123456789")
	replace := whole("other")
	if stored, err := s.Put(t.Context(), "shows/new.mp4", replace); err != nil || stored != (publisher.Stored{Received: 5, Complete: true, Replaced: true}) {
		t.Errorf("%+v %v", stored, err)
	}
	s.holds(t, "shows/new.mp4", "other")
	replace = whole("again")
	replace.New = true
	if _, err := s.Put(t.Context(), "shows/new.mp4", replace); !errors.Is(err, publisher.ErrFileExists) {
		t.Error(err)
	}
	for _, name := range []string{"none/new.mp4", "shows/old.mp4/new.mp4"} {
		if _, err := s.Put(t.Context(), name, whole("x")); !errors.Is(err, publisher.ErrNoFolder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, "shows", ".*")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

func (s shelf) holds(t *testing.T, name, want string) {
	t.Helper()
	f, err := s.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if got, err := io.ReadAll(f); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v", name, got, err)
	}
}

// One upload of a name arrives at once, so many of all, and nothing is deleted under one.
func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	var ends []*io.PipeWriter
	done := make(chan error, 8)
	for i := range 8 {
		r, w := io.Pipe()
		ends = append(ends, w)
		go func() {
			_, err := s.Put(t.Context(), string(rune('a'+i))+".mp4", publisher.Upload{Body: r, Length: 2, Size: 2})
			done <- err
		}()
		if _, err := w.Write([]byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(t.Context(), "a.mp4", whole("x")); !errors.Is(err, publisher.ErrUploadBusy) {
		t.Error(err)
	}
	if _, err := s.Put(t.Context(), "z.mp4", whole("x")); !errors.Is(err, publisher.ErrTooManyUploads) {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "a.mp4"); !errors.Is(err, publisher.ErrUploadBusy) {
		t.Error(err)
	}
	for _, w := range ends {
		if _, err := w.Write([]byte("2")); err != nil {
			t.Fatal(err)
		}
	}
	for range ends {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	s.holds(t, "a.mp4", "12")
}

func TestQuota(t *testing.T) {
	t.Parallel()
	s := newShelf(t, func(o *library.Options) { o.Quota = 10 })
	s.write(t, "old.mp4", "1234")
	for _, row := range []struct {
		name   string
		upload publisher.Upload
		want   error
	}{
		{"a.mp4", whole("12345678901"), publisher.ErrFileTooLarge},
		{"a.mp4", whole("1234567"), publisher.ErrQuota},
		{"a.mp4", from(0, "1", 5), nil},            // takes its share at once
		{"b.mp4", whole("12"), publisher.ErrQuota}, // 4 + 5 + 2
		{"a.mp4", from(0, "1", 6), nil},            // begins anew: its first share is given back
		{"b.mp4", whole("1"), publisher.ErrQuota},
	} {
		if _, err := s.Put(t.Context(), row.name, row.upload); !errors.Is(err, row.want) {
			t.Errorf("%s of %d: %v, want %v", row.name, row.upload.Size, err, row.want)
		}
	}
	if err := s.Delete(t.Context(), "a.mp4"); err != nil {
		t.Error(err)
	}
	if _, err := s.Put(t.Context(), "b.mp4", whole("123456")); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "b.mp4"); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "b.mp4"); !errors.Is(err, publisher.ErrNoFile) {
		t.Error(err)
	}
	if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
		s := newShelf(t, func(o *library.Options) { o.KeepFree = 1 << 60 })
		if _, err := s.Put(t.Context(), "a.mp4", whole("x")); !errors.Is(err, publisher.ErrDiskFull) {
			t.Error(err)
		}
	}
}

// A day without a byte, and what has arrived is removed.
func TestUploadsExpire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	part := filepath.Join(dir, ".a.mp4.10.weir-upload")
	if err := os.WriteFile(part, []byte("123"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		last := time.Now().Add(-22*time.Hour - time.Minute)
		if err := os.Chtimes(part, last, last); err != nil {
			t.Fatal(err)
		}
		l, err := library.Open(library.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		page, err := l.Files(t.Context(), "", 1)
		want := []publisher.PartialUpload{{Path: "a.mp4", Received: 3, Size: 10, Expires: last.Add(24 * time.Hour)}}
		if diff := cmp.Diff(want, page.Uploads); diff != "" || err != nil {
			t.Error(diff, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if _, err := os.Stat(part); err != nil {
			t.Error("it went too early")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, err := os.Stat(part); !os.IsNotExist(err) {
			t.Errorf("it is still there: %v", err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// An upload of which all bytes have come, but whose name could not be given, gets it later.
func TestUploadThatLacksItsName(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	const part = ".a.mp4.3.weir-upload"
	s.write(t, part, "123")
	_, err := s.Put(t.Context(), "a.mp4", from(2, "3", 3))
	if offset, ok := errors.AsType[*publisher.OffsetError](err); !ok || *offset != (publisher.OffsetError{Received: 3, Size: 3}) {
		t.Error(err)
	}
	s.holds(t, "a.mp4", "123")
	s.write(t, part, "456") // another, and the program begins anew
	synctest.Test(t, func(t *testing.T) {
		other, err := library.Open(library.Options{Dir: s.dir})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- other.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.holds(t, "a.mp4", "456")
	if left, err := filepath.Glob(filepath.Join(s.dir, ".*")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	s.write(t, part, "789")
	if f, err := s.File(t.Context(), "a.mp4"); err != nil || f.Upload != nil || f.Size != 3 {
		t.Errorf("%+v, %v", f, err)
	}
	s.holds(t, "a.mp4", "789")
	s.write(t, part, "0ab")
	if stored, err := s.Put(t.Context(), "a.mp4", whole("anew")); err != nil || !stored.Complete || !stored.Replaced {
		t.Errorf("%+v, %v", stored, err)
	}
	s.holds(t, "a.mp4", "anew")
}

// What is not listed any more counts against the quota all the same.
func TestQuotaOfManyFiles(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	s.ListAtMost(2)
	s.write(t, "b.mp4", "x")
	s.write(t, "c.mp4", "x")
	s.write(t, "z.mp4", strings.Repeat("x", 1<<20))
	if _, err := s.Put(t.Context(), "a.mp4", whole("x")); !errors.Is(err, publisher.ErrQuota) {
		t.Error(err)
	}
	if got, _ := s.paths(t, "", 10); !slices.Equal(got, []string{"b.mp4", "c.mp4"}) {
		t.Error(got)
	}
}

// What says nothing of the file is not kept.
func TestProbesThatFailForNow(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	s := newShelf(t, func(o *library.Options) {
		probe := o.Probe
		o.Probe = func(ctx context.Context, f *os.File) (json.RawMessage, error) {
			if fails.Load() {
				return nil, errors.New("the disk is busy")
			}
			return probe(ctx, f)
		}
	})
	s.write(t, "a.mp4", "1234")
	fails.Store(true)
	if f, err := s.File(t.Context(), "a.mp4"); err != nil || f.Problem != "the disk is busy" {
		t.Errorf("%+v, %v", f, err)
	}
	fails.Store(false)
	if f, err := s.File(t.Context(), "a.mp4"); err != nil || f.Problem != "" || f.Report == nil {
		t.Errorf("%+v, %v", f, err)
	}
	for _, reason := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EIO} {
		if err := library.Missing(&os.PathError{Op: "open", Path: "a.mp4", Err: reason}); errors.Is(err, publisher.ErrNoFile) {
			t.Errorf("%v: no such file", reason)
		}
	}
}
