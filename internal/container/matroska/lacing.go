package matroska

import (
	"io"
	"math"

	"weir/internal/media"
)

// vint reads a number at the beginning of b.
func vint(b []byte) (n uint64, rest []byte, err error) {
	r := byteReader{b}
	n, _, err = readVint(&r)
	return n, r.rest, media.Cut(err)
}

// A byteReader is an io.ByteReader that says what is left.
type byteReader struct{ rest []byte }

// ReadByte implements io.ByteReader.
func (r *byteReader) ReadByte() (byte, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b, nil
}

// unlace takes the frames of a block apart (RFC 9559 10.3).
func unlace(b []byte, lacing byte) ([][]byte, error) {
	if lacing == 0 {
		return [][]byte{b}, nil
	}
	if len(b) == 0 {
		return nil, media.Damagedf("a lacing without a number")
	}
	n := int(b[0]) + 1
	b = b[1:]
	sizes := make([]int, 0, n)
	var err error
	switch lacing {
	case 1:
		sizes, b, err = xiphSizes(b, n-1)
	case 3:
		sizes, b, err = ebmlSizes(b, n-1)
	default:
		if len(b)%n != 0 {
			return nil, media.Damagedf("a lacing of %d equal frames in %d bytes", n, len(b))
		}
		for range n - 1 {
			sizes = append(sizes, len(b)/n)
		}
	}
	if err != nil {
		return nil, err
	}
	frames := make([][]byte, 0, n)
	for _, size := range sizes {
		if size > len(b) {
			return nil, media.Damagedf("a laced frame of %d bytes in %d", size, len(b))
		}
		frames = append(frames, b[:size:size])
		b = b[size:]
	}
	return append(frames, b), nil
}

// xiphSizes reads sizes that are sums of bytes up to the first that is not 255.
func xiphSizes(b []byte, n int) (sizes []int, rest []byte, err error) {
	for range n {
		size := 0
		for {
			if len(b) == 0 {
				return nil, nil, media.Damagedf("a lacing is cut off")
			}
			more := b[0]
			size, b = size+int(more), b[1:]
			if more != 255 {
				break
			}
		}
		sizes = append(sizes, size)
	}
	return sizes, b, nil
}

// ebmlSizes reads a size, and by how much each one differs from the one before.
func ebmlSizes(b []byte, n int) (sizes []int, rest []byte, err error) {
	last := int64(0)
	for i := range n {
		before := len(b)
		v, rest, err := vint(b)
		if err != nil {
			return nil, nil, err
		}
		b = rest
		if i == 0 {
			last = int64(v)
		} else {
			last += int64(v) - (1<<(7*(before-len(b))-1) - 1)
		}
		if last < 0 || last > math.MaxInt32 {
			return nil, nil, media.Damagedf("a laced frame of %d bytes", last)
		}
		sizes = append(sizes, int(last))
	}
	return sizes, b, nil
}
