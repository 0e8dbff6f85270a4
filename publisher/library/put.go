package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"

	"weir/publisher"
)

// copySize is what is read and written at once, bytes.
const copySize = 256 << 10

// Put takes a part of a file, or all of it. A part that begins at 0 begins anew; any other must begin where the upload
// has come to, else it is refused with a *publisher.OffsetError.
func (l *Library) Put(ctx context.Context, name string, u publisher.Upload) (publisher.Stored, error) {
	if !newPath(name) {
		return publisher.Stored{}, publisher.ErrFileName
	}
	release, err := l.take(name, maxUploads)
	if err != nil {
		return publisher.Stored{}, err
	}
	defer release()
	if err := l.finishPart(name, u); err != nil {
		return publisher.Stored{}, err
	}
	replaces, err := l.checkPlace(name)
	if err != nil {
		return publisher.Stored{}, err
	}
	if replaces && u.New {
		return publisher.Stored{}, publisher.ErrFileExists
	}
	f, err := l.openPart(ctx, name, u)
	if err != nil {
		return publisher.Stored{}, err
	}
	n, err := receive(f, u)
	stored := publisher.Stored{Received: u.Offset + n}
	if err != nil || stored.Received < u.Size {
		return stored, errors.Join(err, f.Close())
	}
	if err := l.finish(f, part{path: name, file: partName(name, u.Size), size: u.Size}); err != nil {
		return stored, err
	}
	stored.Complete, stored.Replaced = true, replaces
	return stored, nil
}

// finish makes a file of a part that has all its bytes, and closes it.
func (l *Library) finish(f *os.File, p part) error {
	err := f.Sync() // else a power cut could leave a name without its bytes
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep the upload: %w", err)
	}
	if err := l.root.Rename(p.file, p.path); err != nil {
		return fmt.Errorf("give the file its name: %w", err)
	}
	l.options.Event("file_stored", slog.String("file", p.path), slog.Int64("bytes", p.size))
	return nil
}

// finishFull is finish for a part that was left with all its bytes: by a crash, or by a disk that failed. The caller has
// taken the name.
func (l *Library) finishFull(p part) error {
	if _, err := l.checkPlace(p.path); err != nil {
		return err
	}
	f, err := l.root.OpenFile(p.file, os.O_WRONLY|openFlags, 0)
	if err != nil {
		return fmt.Errorf("finish an upload: %w", err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != p.size { // it has begun anew meanwhile
		return errors.Join(publisher.ErrUploadBusy, err, f.Close())
	}
	return l.finish(f, p)
}

// finishPart does so before a part that goes on with it, which has nothing to add.
func (l *Library) finishPart(name string, u publisher.Upload) error {
	if u.Offset == 0 {
		return nil // it begins anew
	}
	parts, err := l.partsOf(name)
	if err != nil || len(parts) == 0 || !parts[0].full() {
		return err
	}
	if err := l.finishFull(parts[0]); err != nil {
		return err
	}
	return &publisher.OffsetError{Received: parts[0].size, Size: parts[0].size}
}

// checkPlace says whether a file of the name is there, and fails where there can be none.
func (l *Library) checkPlace(name string) (is bool, err error) {
	if dir, err := l.root.Stat(path.Dir(name)); err != nil || !dir.IsDir() {
		return false, publisher.ErrNoFolder
	}
	info, err := l.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the file: %w", err)
	case info.IsDir():
		return false, publisher.ErrNoFolder
	}
	return true, nil
}

// openPart opens what holds the upload, at the byte where the part begins.
func (l *Library) openPart(ctx context.Context, name string, u publisher.Upload) (*os.File, error) {
	parts, err := l.partsOf(name)
	if err != nil {
		return nil, err
	}
	if u.Offset == 0 {
		return l.beginPart(ctx, name, u, parts)
	}
	if len(parts) == 0 {
		return nil, &publisher.OffsetError{}
	}
	if p := parts[0]; p.size != u.Size || p.received != u.Offset {
		return nil, &publisher.OffsetError{Received: p.received, Size: p.size}
	}
	if err := l.checkSpace(u.Size - u.Offset); err != nil {
		return nil, err
	}
	f, err := l.root.OpenFile(parts[0].file, os.O_WRONLY|os.O_APPEND|openFlags, 0)
	if err != nil {
		return nil, fmt.Errorf("go on with an upload: %w", err)
	}
	return f, nil
}

// beginPart takes the file's share of the quota: the new file says how large it will be.
func (l *Library) beginPart(ctx context.Context, name string, u publisher.Upload, old []part) (*os.File, error) {
	l.admitting.Lock()
	defer l.admitting.Unlock()
	if u.Size > l.options.Quota {
		return nil, publisher.ErrFileTooLarge
	}
	found, err := l.scan(ctx)
	if err != nil {
		return nil, err
	}
	var back int64 // what the quota gets back
	for _, p := range old {
		back += p.size
	}
	if found.bytes-back > l.options.Quota-u.Size {
		return nil, publisher.ErrQuota
	}
	for _, p := range old {
		if err := l.root.Remove(p.file); err != nil {
			return nil, fmt.Errorf("remove an older upload: %w", err)
		}
	}
	if err := l.checkSpace(u.Size); err != nil {
		return nil, err
	}
	f, err := l.root.OpenFile(partName(name, u.Size), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("begin an upload: %w", storing(err))
	}
	return f, nil
}

// checkSpace asks for room for so many bytes on the disk.
func (l *Library) checkSpace(bytes int64) error {
	free, err := freeSpace(l.root)
	if err != nil {
		return fmt.Errorf("look how much is free: %w", err)
	}
	if free-l.options.KeepFree < bytes {
		return publisher.ErrDiskFull
	}
	return nil
}

// receive writes the part to f, as far as it arrives.
func receive(f *os.File, u publisher.Upload) (n int64, err error) {
	buffer := make([]byte, copySize)
	for n < u.Length {
		got, readErr := io.ReadFull(u.Body, buffer[:min(copySize, u.Length-n)])
		wrote, err := f.Write(buffer[:got])
		n += int64(wrote)
		if err != nil {
			return n, fmt.Errorf("write the upload: %w", storing(err))
		}
		if readErr != nil {
			return n, fmt.Errorf("read the upload: %w", readErr)
		}
	}
	return n, nil
}

// storing makes publisher.ErrDiskFull of what says so.
func storing(err error) error {
	if isDiskFull(err) {
		return publisher.ErrDiskFull
	}
	return err
}
