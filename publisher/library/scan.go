package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/publisher"
)

// An entry is a regular file of a library.
type entry struct {
	path     string
	size     int64
	modified time.Time
}

// A part is a file that holds what has arrived of another one. Its name says all that must be known of it, so that an
// upload goes on after a restart.
type part struct {
	path     string // of the file that it becomes
	file     string // where it is
	received int64
	size     int64 // of the whole file
	last     time.Time
}

const partSuffix = ".weir-upload"

// partName is hidden, and in the folder of the file that it becomes: so that it is on the same disk.
func partName(name string, size int64) string {
	dir, base := path.Split(name)
	return dir + "." + base + "." + strconv.FormatInt(size, 10) + partSuffix
}

// readPart reads a part's name.
func readPart(file string) (p part, ok bool) {
	dir, base := path.Split(file)
	base, hidden := strings.CutPrefix(base, ".")
	base, ours := strings.CutSuffix(base, partSuffix)
	dot := strings.LastIndexByte(base, '.')
	if !hidden || !ours || dot < 1 {
		return part{}, false
	}
	size, err := strconv.ParseInt(base[dot+1:], 10, 64)
	if err != nil || size < 1 || !publisher.ValidPath(dir+base[:dot]) {
		return part{}, false
	}
	return part{path: dir + base[:dot], file: file, size: size}, true
}

func (p part) upload() publisher.PartialUpload {
	return publisher.PartialUpload{Path: p.path, Received: p.received, Size: p.size, Expires: p.last.Add(uploadLife)}
}

// full says that all its bytes are there, and its name alone is missing.
func (p part) full() bool { return p.received == p.size }

// A survey is what is in a library.
type survey struct {
	files []entry // sorted by path
	parts []part  // sorted by path
	bytes int64   // that all files come to, unfinished ones as whole ones
}

// scan looks through the folder. What cannot be looked at is not there.
func (l *Library) scan(ctx context.Context) (survey, error) {
	var s survey
	err := fs.WalkDir(l.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err() //nolint:wrapcheck // wrapped below
		case err != nil && name == ".":
			return err
		case err != nil, name == ".":
			return nil //nolint:nilerr // an entry that went, or is another user's
		case d.IsDir() && !publisher.ValidPath(name+"/x"): // nothing in it has a path
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		l.note(&s, name)
		return nil
	})
	if err != nil {
		return survey{}, fmt.Errorf("look through the media folder: %w", err)
	}
	slices.SortFunc(s.files, func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	slices.SortFunc(s.parts, func(a, b part) int { return cmp.Compare(a.path, b.path) })
	return s, nil
}

// note adds a file, unless it is hidden or no regular one. A link counts as what it leads to, in the folder.
func (l *Library) note(s *survey, name string) {
	p, isPart := readPart(name)
	if !isPart && !publisher.ValidPath(name) {
		return
	}
	info, err := l.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	if isPart {
		p.received, p.last = info.Size(), info.ModTime()
		s.parts = append(s.parts, p)
		s.bytes += p.size
		return
	}
	if len(s.files) < l.most {
		s.files = append(s.files, entry{name, info.Size(), info.ModTime()})
	}
	s.bytes += info.Size()
}

// partsOf are the unfinished uploads of a file: one, unless somebody meddled. The last one comes first.
func (l *Library) partsOf(name string) ([]part, error) {
	dir := path.Dir(name)
	entries, err := fs.ReadDir(l.root.FS(), dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || isEscape(err) {
			return nil, nil // then there are none
		}
		return nil, fmt.Errorf("look for an upload: %w", err)
	}
	var s survey
	for _, e := range entries {
		if p, ok := readPart(path.Join(dir, e.Name())); ok && p.path == name {
			l.note(&s, p.file)
		}
	}
	slices.SortFunc(s.parts, func(a, b part) int { return b.last.Compare(a.last) })
	return s.parts, nil
}

// sweep finishes uploads that only lack their name, and removes those that have expired.
func (l *Library) sweep(ctx context.Context) {
	found, err := l.scan(ctx)
	if err != nil {
		return // whoever asks for the list is told
	}
	for _, p := range found.parts {
		expired := time.Since(p.last) >= uploadLife
		if !expired && !p.full() {
			continue
		}
		release, err := l.take(p.path, 0)
		if err != nil {
			continue
		}
		finished := p.full() && l.finishFull(p) == nil
		if expired && !finished {
			_ = l.root.Remove(p.file) // the next sweep tries again
		}
		release()
	}
}
