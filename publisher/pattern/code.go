package pattern

import (
	"errors"
	"fmt"
	"image"
)

// The block layout; the package comment says what stands where.
const (
	columns   = 40
	rows      = 2
	stripPart = 24 // a row of blocks is this part of the picture's height

	valueColumn = 2
	liveColumn  = 34
	checkColumn = 35

	black, white = 16, 235 // video range
	leastStep    = 40      // between the sync blocks
)

// ErrNoCode is returned by Read for a picture without readable blocks.
var ErrNoCode = errors.New("no code in the picture")

// A Code is what a picture's blocks say.
type Code struct {
	Frame  uint32 // number of the picture
	Millis uint32 // when it was due: Unix milliseconds modulo 2^32; in a clip, since the clip began
	Live   bool   // false: a recorded clip, whose clock is not live
}

// block is where a block lies in a picture of that size.
func block(width, height, column, row int) image.Rectangle {
	return image.Rect(
		column*width/columns, height-(rows-row)*height/stripPart,
		(column+1)*width/columns, height-(rows-1-row)*height/stripPart,
	)
}

// check is the four bits that guard a row.
func check(value uint32, row int, live bool) uint32 {
	x := value ^ value>>16
	x ^= x >> 8
	x ^= x >> 4
	x ^= 0x5
	if row == 1 {
		x ^= 0x5 ^ 0xA
	}
	if !live {
		x ^= 0xF
	}
	return x & 0xF
}

// bits are a row's 40 blocks, column 0 in the highest of the low 40 bits.
func bits(value uint32, row int, live bool) uint64 {
	b := uint64(0b10)<<32 | uint64(value)
	b <<= 1
	if live {
		b |= 1
	}
	return b<<5 | uint64(check(value, row, live))<<1 | 1
}

// paint writes the strip. It sets the luma of whole blocks; the chroma under the strip is neutral in the card already.
func (c Code) paint(img *image.YCbCr) {
	size := img.Rect.Size()
	for row, value := range [rows]uint32{c.Frame, c.Millis} {
		b := bits(value, row, c.Live)
		first := block(size.X, size.Y, 0, row)
		line := img.Y[first.Min.Y*img.YStride:][:size.X]
		for column := range columns {
			luma := byte(black)
			if b>>(columns-1-column)&1 == 1 {
				luma = white
			}
			r := block(size.X, size.Y, column, row)
			fill(line[r.Min.X:r.Max.X], luma)
		}
		for y := first.Min.Y + 1; y < first.Max.Y; y++ {
			copy(img.Y[y*img.YStride:][:size.X], line)
		}
	}
}

// Read reads the blocks of a picture, of any size that shows the whole pattern. It returns ErrNoCode, wrapped with what is
// wrong, for anything else.
func Read(img image.Image) (Code, error) {
	var c Code
	for row := range rows {
		value, live, err := readRow(img, row)
		if err != nil {
			return Code{}, err
		}
		if row == 0 {
			c.Frame, c.Live = value, live
			continue
		}
		if c.Live != live {
			return Code{}, fmt.Errorf("%w: the live blocks differ", ErrNoCode)
		}
		c.Millis = value
	}
	return c, nil
}

func readRow(img image.Image, row int) (value uint32, live bool, err error) {
	light, dark := brightness(img, 0, row), brightness(img, 1, row)
	if light-dark < leastStep {
		return 0, false, fmt.Errorf("%w: sync blocks of row %d are %d and %d", ErrNoCode, row, light, dark)
	}
	bit := func(column int) uint32 {
		if 2*brightness(img, column, row) > light+dark {
			return 1
		}
		return 0
	}
	for column := valueColumn; column < liveColumn; column++ {
		value = value<<1 | bit(column)
	}
	live = bit(liveColumn) == 1
	var got uint32
	for column := checkColumn; column < columns-1; column++ {
		got = got<<1 | bit(column)
	}
	if want := check(value, row, live); got != want || bit(columns-1) != 1 {
		return 0, false, fmt.Errorf("%w: check of row %d is %x and must be %x", ErrNoCode, row, got, want)
	}
	return value, live, nil
}

// brightness is the mean luma, 0 … 255, of the inner half of a block.
func brightness(img image.Image, column, row int) int {
	b := img.Bounds()
	r := block(b.Dx(), b.Dy(), column, row).Add(b.Min)
	dx, dy := r.Dx()/4, r.Dy()/4
	r = image.Rect(r.Min.X+dx, r.Min.Y+dy, max(r.Max.X-dx, r.Min.X+dx+1), max(r.Max.Y-dy, r.Min.Y+dy+1))
	yuv, planar := img.(*image.YCbCr)
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if planar {
				sum += int(yuv.Y[yuv.YOffset(x, y)])
				continue
			}
			_, green, _, _ := img.At(x, y).RGBA()
			sum += int(green >> 8)
		}
	}
	return sum / (r.Dx() * r.Dy())
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
