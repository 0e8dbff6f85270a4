package publisher

import "errors"

var (
	// ErrNotSupervised is returned where no source of ours feeds the stream.
	ErrNotSupervised = errors.New("no source feeds this stream")
	// ErrExists is returned where the stream has a source of ours, in whatever state.
	ErrExists = errors.New("stream has a source already")
	// ErrUnknownKind is returned for a kind of source that there is not.
	ErrUnknownKind = errors.New("unknown kind of source")
	// ErrUnavailable is returned for a kind of source that cannot run here, with the reason behind it.
	ErrUnavailable = errors.New("source cannot run here")
	// ErrTooMany is returned where there are as many sources as there may be.
	ErrTooMany = errors.New("too many sources")
	// ErrClosed is returned after the Supervisor has ended.
	ErrClosed = errors.New("supervisor is closed")

	// ErrNoFile is returned where a library has no such file.
	ErrNoFile = errors.New("no such file")
	// ErrFileName is returned for a path that no file of a library can have, or none that is new.
	ErrFileName = errors.New("not a path that a media file can have")
	// ErrFileExists is returned where a new file was to be put.
	ErrFileExists = errors.New("file exists")
	// ErrNoFolder is returned where a file's folder is not there, or its name is a folder's.
	ErrNoFolder = errors.New("no folder where the file is to be")
	// ErrUploadBusy is returned where another upload of the file is arriving.
	ErrUploadBusy = errors.New("another upload of the file is arriving")
	// ErrTooManyUploads is returned where as many arrive as may at once.
	ErrTooManyUploads = errors.New("too many uploads at once")
	// ErrFileTooLarge is returned for a file that the library could not hold if it were empty.
	ErrFileTooLarge = errors.New("file is larger than the library may be")
	// ErrQuota is returned where a file does not fit beside those that there are.
	ErrQuota = errors.New("library is full")
	// ErrDiskFull is returned where the disk has no room to spare.
	ErrDiskFull = errors.New("disk is full")
)

// An UnavailableError is an ErrUnavailable with its reason, whose words are its own.
type UnavailableError struct{ Reason error }

// Error is the reason.
func (e *UnavailableError) Error() string { return e.Reason.Error() }

// Unwrap returns ErrUnavailable and the reason.
func (e *UnavailableError) Unwrap() []error { return []error{ErrUnavailable, e.Reason} }
