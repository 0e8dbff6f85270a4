package auth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	dirMode   fs.FileMode = 0o700
	fileMode  fs.FileMode = 0o600
	forOthers fs.FileMode = 0o077 // mode bits
	byOthers  fs.FileMode = 0o022 // those that let others write

	// settling is how long after its last change a file may change once more
	// without a sign: times of files can be coarse.
	settling = 2 * time.Second
)

// A file is the state file: a regular file in a directory that only its owner
// can write to. It is changed by renaming a new one over it, so that a reader
// sees the old content or the new.
type file struct{ path string }

// A version is how a file looked when it was read. The zero version is of a file
// that was not there.
type version struct {
	info    fs.FileInfo
	settled bool // a later change shows
}

// same says whether the file is still what it was then.
func (v version) same(info fs.FileInfo) bool {
	if v.info == nil || info == nil {
		return v.info == nil && info == nil
	}
	return v.settled && os.SameFile(v.info, info) && v.info.ModTime().Equal(info.ModTime()) &&
		v.info.Size() == info.Size() && v.info.Mode() == info.Mode()
}

// look returns what stands at the path, nil for nothing.
func (f file) look() (fs.FileInfo, error) {
	info, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no file is no error: the tokens are made later
	}
	return info, err
}

// read returns the tokens in the file: none where there is no file. repaired
// says what was wrong with its mode, or with its directory's.
func (f file) read() (tokens []Token, v version, repaired, err error) {
	info, err := f.look()
	if err != nil || info == nil {
		return nil, version{}, nil, err
	}
	repaired, err = f.guardDir()
	if err != nil {
		return nil, version{}, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, version{}, repaired, fmt.Errorf("%s is %s: put the file itself there, or name its directory", f.path, kindOf(info))
	}
	in, err := os.OpenFile(f.path, os.O_RDONLY|openFlags, 0) // should it have been replaced: follows no link, waits for no pipe
	if err != nil {
		return nil, version{}, repaired, err
	}
	defer func() { _ = in.Close() }() // nothing was written
	exposed, err := guardMode(in)
	repaired = errors.Join(repaired, exposed)
	if err != nil {
		return nil, version{}, repaired, err
	}
	if info, err = in.Stat(); err != nil { // before the first byte: who writes meanwhile shows
		return nil, version{}, repaired, err
	}
	v = version{info: info, settled: settledAt(info, time.Now())}
	text, err := io.ReadAll(io.LimitReader(in, mostFile+1))
	if err != nil {
		return nil, version{}, repaired, err
	}
	if len(text) > mostFile {
		return nil, v, repaired, fmt.Errorf("%s has more than %d bytes: this is no state file", f.path, mostFile)
	}
	tokens, err = parseTokens(text)
	if err != nil {
		return nil, v, repaired, fmt.Errorf("%s: %w", f.path, err)
	}
	return tokens, v, repaired, nil
}

func settledAt(info fs.FileInfo, now time.Time) bool { return now.Sub(info.ModTime()) > settling }

func kindOf(info fs.FileInfo) string {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return "a symbolic link"
	case info.IsDir():
		return "a directory"
	default:
		return "no regular file"
	}
}

// guardMode makes the open file its owner's alone, and says where it was not.
func guardMode(in *os.File) (repaired, err error) {
	info, err := in.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is %s", in.Name(), kindOf(info))
	case !hasModes || info.Mode().Perm()&forOthers == 0:
		return nil, nil
	}
	err = in.Chmod(fileMode)
	if now, again := in.Stat(); err == nil && (again != nil || now.Mode().Perm()&forOthers != 0) {
		err = errNoModes
	}
	if err != nil {
		return nil, fmt.Errorf("%s is open to others (mode %04o) and that cannot be changed here: as its owner run chmod 600 on it (%w)",
			in.Name(), info.Mode().Perm(), err)
	}
	return fmt.Errorf("%s was open to others (mode %04o, now 0600): rotate its tokens if somebody may have read them",
		in.Name(), info.Mode().Perm()), nil
}

// guardDir makes sure that nobody else can put another file in the place of the
// state file. It may be a link, as systemd's are. That others can look into the
// directory does no harm.
func (f file) guardDir() (repaired, err error) {
	dir := filepath.Dir(f.path)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a directory", dir)
	case !hasModes || info.Mode().Perm()&byOthers == 0:
		return nil, nil
	case info.Mode()&fs.ModeSticky != 0:
		return nil, fmt.Errorf("%s is a directory for everybody (mode %04o): choose one of Weir's own as state directory", dir, info.Mode().Perm())
	}
	err = os.Chmod(dir, info.Mode().Perm()&^byOthers)
	if now, again := os.Stat(dir); err == nil && (again != nil || now.Mode().Perm()&byOthers != 0) {
		err = errNoModes
	}
	if err != nil {
		return nil, fmt.Errorf("others can write to %s (mode %04o) and that cannot be changed here: as its owner run chmod go-w on it (%w)",
			dir, info.Mode().Perm(), err)
	}
	return fmt.Errorf("others could write to %s (mode %04o, now %04o): look whether its tokens are yours",
		dir, info.Mode().Perm(), info.Mode().Perm()&^byOthers), nil
}

// change rewrites the file with what edit makes of its tokens. Another program
// that changes it at the same time waits. repaired as in read.
func (f file) change(edit func([]Token) ([]Token, error)) (repaired, err error) {
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("lock the state directory: %w", err)
	}
	defer unlock()
	tokens, _, repaired, err := f.read()
	if err != nil {
		return repaired, err
	}
	exposed, err := f.guardDir() // where there is no file yet, read has not looked
	repaired = errors.Join(repaired, exposed)
	if err != nil {
		return repaired, err
	}
	if tokens, err = edit(tokens); err != nil {
		return repaired, err
	}
	text, err := formatTokens(tokens)
	if err != nil {
		return repaired, err
	}
	return repaired, f.replace(text)
}

// replace puts the text in the file's place, all of it or nothing.
func (f file) replace(text []byte) (err error) {
	fresh := f.path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was interrupted
		return err
	}
	out, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode) //nolint:gosec // whoever starts the program names the state directory
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(fresh) // the first error says more
		}
	}()
	_, err = out.Write(text)
	if err == nil {
		err = sameOwner(out, f.path)
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	if err := os.Rename(fresh, f.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}
