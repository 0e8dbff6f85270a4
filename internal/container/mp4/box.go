package mp4

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/internal/media"
)

const (
	// maxTable is the largest box that is read into memory, and maxTables what all of a file's may come to, in bytes.
	maxTable  = 12 << 20
	maxTables = 24 << 20
	// maxBoxes is how many boxes of one level are looked at.
	maxBoxes = 1_000_000
)

// A boxReader reads the boxes of MP4 (ISO/IEC 14496-12 4.2) where they stand in the file. Those that are wanted are decoded
// by mp4ff, from bytes that are known to be there.
type boxReader struct {
	r    io.ReaderAt
	size int64 // of the file
	left int64 // of maxTables
	seen int   // boxes since the last fragment
}

// A box is where one stands.
type box struct {
	name            string
	at, body, until int64 // of its head, of what is in it, and of what follows
}

// each calls visit for each box between two places of the file.
func (b *boxReader) each(from, until int64, visit func(box) error) error {
	for n := 0; from < until; n++ {
		if n == maxBoxes {
			return media.Damagedf("more than %d boxes in a row", maxBoxes)
		}
		x, err := b.box(from, until)
		if err != nil {
			return err
		}
		if err := visit(x); err != nil {
			return err
		}
		from = x.until
	}
	return nil
}

// box reads the head of the one at a place.
func (b *boxReader) box(at, until int64) (box, error) {
	var head [16]byte
	if b.seen++; b.seen > 2*maxBoxes {
		return box{}, media.Damagedf("more than %d boxes", 2*maxBoxes)
	}
	if until-at < 8 {
		return box{}, media.Damagedf("%d bytes at byte %d are no box", until-at, at)
	}
	if _, err := b.r.ReadAt(head[:8], at); err != nil {
		return box{}, media.Cut(err)
	}
	x := box{name: string(head[4:8]), at: at, body: at + 8}
	size := uint64(binary.BigEndian.Uint32(head[:4]))
	switch size {
	case 0: // up to the end
		x.until = until
		return x, nil
	case 1:
		if _, err := b.r.ReadAt(head[8:], at+8); err != nil {
			return box{}, media.Cut(err)
		}
		size = binary.BigEndian.Uint64(head[8:])
		x.body += 8
	}
	if size < uint64(x.body-at) {
		return box{}, media.Damagedf("the box at byte %d has %d bytes", at, size)
	}
	if size > uint64(until-at) {
		return box{}, media.Damagedf("the box %q at byte %d has %d bytes, there are %d", media.Clean(x.name), at, size, until-at)
	}
	x.until = at + int64(size)
	return x, nil
}

// bytes reads what is in a box.
func (b *boxReader) bytes(x box, most int64) ([]byte, error) {
	n := x.until - x.body
	if n > most || n > b.left {
		return nil, media.Damagedf("the box %q has %d bytes, more than any that can be played", media.Clean(x.name), n)
	}
	data := make([]byte, n)
	if _, err := b.r.ReadAt(data, x.body); err != nil {
		return nil, media.Cut(err)
	}
	return data, nil
}

// decode lets mp4ff read a box into the memory that is left for tables.
func decodeBox[T mp4.Box](b *boxReader, x box, most int64) (decoded T, err error) {
	body, err := b.bytes(x, most)
	if err != nil {
		return decoded, err
	}
	b.left -= int64(len(body))
	raw := append(make([]byte, 0, 8+len(body)), 0, 0, 0, 0, x.name[0], x.name[1], x.name[2], x.name[3])
	raw = append(raw, body...)
	binary.BigEndian.PutUint32(raw, uint32(len(raw)))
	defer func() {
		if p := recover(); p != nil { // what is in a file must not end the program
			err = media.Damagedf("the box %q makes no sense: %v", media.Clean(x.name), p)
		}
	}()
	read, err := mp4.DecodeBoxSR(uint64(x.at), bits.NewFixedSliceReader(raw))
	if err != nil {
		return decoded, media.Damagedf("the box %q: %w", media.Clean(x.name), err)
	}
	decoded, ok := read.(T)
	if !ok {
		return decoded, fmt.Errorf("the box %q is read as %T", media.Clean(x.name), read)
	}
	return decoded, nil
}
