package matroska

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/bits"

	"weir/internal/media"
)

// unknownSize is the size of an element that ends where another one begins (RFC 8794 6.2).
const unknownSize = -1

// An ebmlReader reads the elements of EBML (RFC 8794) one after the other. What an element claims is not allocated before it
// is there.
type ebmlReader struct {
	r    *bufio.Reader
	seek io.ReadSeeker // what r reads; nil: it cannot be skipped in, as a pipe
	size int64         // of the file; where it cannot be skipped in, beyond everything
	at   int64         // bytes read so far
}

func newEBMLReader(r io.Reader) (*ebmlReader, error) {
	e := &ebmlReader{r: bufio.NewReaderSize(r, 64<<10), size: math.MaxInt64}
	s, ok := r.(io.ReadSeeker)
	if !ok {
		return e, nil
	}
	size, err := s.Seek(0, io.SeekEnd)
	if err != nil { // a pipe may have the method
		return e, nil //nolint:nilerr // it is read to its end then
	}
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("go to the beginning of the file: %w", err)
	}
	e.seek, e.size = s, size
	return e, nil
}

// ReadByte implements io.ByteReader.
func (e *ebmlReader) ReadByte() (byte, error) {
	b, err := e.r.ReadByte()
	if err == nil {
		e.at++
	}
	return b, err //nolint:wrapcheck // as the interface says
}

// head reads the id and the size of the next element. At the end it returns io.EOF.
func (e *ebmlReader) head() (id uint32, size int64, err error) {
	begin := e.at
	if id, size, err = readHead(e); err == nil && size > e.size-e.at {
		err = media.Damagedf("the element at byte %d has %d bytes, the file ends after %d", begin, size, e.size-e.at)
	}
	return id, size, err
}

// readHead reads the id and the size of an element. At the end it returns io.EOF.
func readHead(r io.ByteReader) (id uint32, size int64, err error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, 0, err //nolint:wrapcheck // of the caller's reader
	}
	length := bits.LeadingZeros8(first) + 1
	if length > 4 {
		return 0, 0, media.Damagedf("no element begins with %#02x", first)
	}
	id = uint32(first)
	for range length - 1 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, 0, media.Cut(err)
		}
		id = id<<8 | uint32(b)
	}
	n, all, err := readVint(r)
	switch {
	case err != nil:
		return 0, 0, media.Cut(err)
	case all:
		return id, unknownSize, nil
	}
	return id, int64(n), nil
}

// readVint reads a number of 1 to 8 bytes (RFC 8794 4); all says that each of its bits is set.
func readVint(r io.ByteReader) (n uint64, all bool, err error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, false, err //nolint:wrapcheck // of the caller's reader
	}
	length := bits.LeadingZeros8(first) + 1
	if length > 8 {
		return 0, false, media.Damagedf("a size is longer than 8 bytes")
	}
	n = uint64(first) & (0xff >> length)
	for range length - 1 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, false, err //nolint:wrapcheck // of the caller's reader
		}
		n = n<<8 | uint64(b)
	}
	return n, n == 1<<(7*length)-1, nil
}

// bytes reads an element's content, at most so many bytes of it.
func (e *ebmlReader) bytes(size, most int64) ([]byte, error) {
	if size < 0 || size > most {
		return nil, media.Damagedf("the element before byte %d has %d bytes, at most %d are usual", e.at, size, most)
	}
	if size <= int64(e.r.Size()) { // most of them: no more is allocated than is read anyway
		b := make([]byte, size)
		n, err := io.ReadFull(e.r, b)
		e.at += int64(n)
		return b, media.Cut(err)
	}
	var b bytes.Buffer
	n, err := io.CopyN(&b, e.r, size)
	e.at += n
	return b.Bytes(), media.Cut(err)
}

// skip passes over an element's content.
func (e *ebmlReader) skip(size int64) error {
	if size < 0 {
		return media.Damagedf("an element of unknown size stands before byte %d", e.at)
	}
	if e.seek != nil && size > int64(e.r.Buffered()) {
		return e.jump(e.at + size)
	}
	n, err := io.CopyN(io.Discard, e.r, size)
	e.at += n
	return media.Cut(err)
}

// jump goes on at a byte of the file.
func (e *ebmlReader) jump(to int64) error {
	if e.seek == nil {
		return errors.New("what is read cannot be skipped in")
	}
	if _, err := e.seek.Seek(to, io.SeekStart); err != nil {
		return fmt.Errorf("skip in the file: %w", err)
	}
	e.r.Reset(e.seek)
	e.at = to
	return nil
}

// An element is a part of a larger one that is in memory.
type element struct {
	id   uint32
	data []byte
}

// elements takes apart what is in memory. What is larger than what there is is damage; it is the last.
func elements(b []byte) iter.Seq2[element, error] {
	return func(yield func(element, error) bool) {
		for len(b) > 0 {
			r := bytes.NewReader(b)
			id, size, err := readHead(r)
			if err != nil {
				yield(element{}, media.Cut(err))
				return
			}
			b = b[len(b)-r.Len():]
			if size == unknownSize || size > int64(len(b)) {
				yield(element{}, media.Damagedf("an element of %d bytes in %d", size, len(b)))
				return
			}
			if !yield(element{id, b[:size]}, nil) {
				return
			}
			b = b[size:]
		}
	}
}

// uint is the element as a number; 0 for what is too long to be one.
func (e element) uint() uint64 {
	var n uint64
	if len(e.data) > 8 {
		return 0
	}
	for _, b := range e.data {
		n = n<<8 | uint64(b)
	}
	return n
}

// float is the element as a number with a fraction; 0 for what is none.
func (e element) float() float64 {
	switch len(e.data) {
	case 4:
		return float64(math.Float32frombits(uint32(e.uint())))
	case 8:
		return math.Float64frombits(e.uint())
	default:
		return 0
	}
}

// text is the element as a string, without the zeros that may fill it up.
func (e element) text() string { return string(bytes.TrimRight(e.data, "\x00")) }
