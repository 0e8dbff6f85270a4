package device

import "image"

// A scaler draws pictures of any size into one of its own, as large as they go, in the middle, with black beside them. One
// goroutine at a time uses it.
type scaler struct {
	dst   *image.YCbCr
	from  image.Point     // size of the pictures that frame and the tables are for
	frame image.Rectangle // where they lie in dst; even
	half  [3][]byte       // planes that were halved
	luma  table
	color table
}

func newScaler(size image.Point) *scaler {
	return &scaler{dst: image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)}
}

// draw returns the picture in the scaler's size: itself if it has that, else one that is valid until the next call. Both
// are 4:2:0 and of even size.
func (s *scaler) draw(src *image.YCbCr) *image.YCbCr {
	size := src.Rect.Size()
	if size == s.dst.Rect.Size() {
		return src
	}
	if size != s.from {
		s.prepare(size)
	}
	s.plane(0, src.Y, src.YStride, size, s.dst.Y, s.dst.YStride, s.frame, &s.luma)
	small := image.Rectangle{Min: s.frame.Min.Div(2), Max: s.frame.Max.Div(2)}
	s.plane(1, src.Cb, src.CStride, size.Div(2), s.dst.Cb, s.dst.CStride, small, &s.color)
	s.plane(2, src.Cr, src.CStride, size.Div(2), s.dst.Cr, s.dst.CStride, small, &s.color)
	return s.dst
}

// prepare works out where pictures of that size come to lie.
func (s *scaler) prepare(size image.Point) {
	s.from = size
	room := s.dst.Rect.Size()
	fit := image.Pt(room.X, max(2, room.X*size.Y/size.X&^1))
	if fit.Y > room.Y {
		fit = image.Pt(max(2, room.Y*size.X/size.Y&^1), room.Y)
	}
	at := image.Pt((room.X-fit.X)/2&^1, (room.Y-fit.Y)/2&^1)
	s.frame = image.Rectangle{Min: at, Max: at.Add(fit)}
	s.luma, s.color = table{}, table{}
	level(s.dst.Y, blackY)
	level(s.dst.Cb, blackC)
	level(s.dst.Cr, blackC)
}

// plane scales one: halved while it is at least twice as large as wanted, so that every pixel counts, then bilinear.
func (s *scaler) plane(n int, src []byte, stride int, size image.Point, dst []byte, dstStride int, frame image.Rectangle, t *table) {
	want := frame.Size()
	for size.X >= 2*want.X && size.Y >= 2*want.Y {
		size = size.Div(2)
		if len(s.half[n]) < size.X*size.Y {
			s.half[n] = make([]byte, size.X*size.Y)
		}
		halve(s.half[n], src, stride, size) // in place from the second time on: it reads ahead of where it writes
		src, stride = s.half[n], size.X
	}
	if t.x == nil {
		*t = table{x: steps(size.X, want.X), y: steps(size.Y, want.Y)}
	}
	for y := range want.Y {
		at := t.y[y]
		upper := src[at.index*stride:]
		lower := upper
		if at.share > 0 {
			lower = src[(at.index+1)*stride:]
		}
		out := dst[(frame.Min.Y+y)*dstStride+frame.Min.X:][:want.X]
		down, up := at.share, 256-at.share
		for x, p := range t.x {
			i, j := p.index, p.index
			if p.share > 0 {
				j++
			}
			left := up*int(upper[i]) + down*int(lower[i])
			right := up*int(upper[j]) + down*int(lower[j])
			out[x] = byte(((256-p.share)*left + p.share*right + 1<<15) >> 16)
		}
	}
}

// halve writes a plane of that size, each pixel the mean of four.
func halve(dst, src []byte, stride int, size image.Point) {
	for y := range size.Y {
		upper, lower := src[2*y*stride:], src[(2*y+1)*stride:]
		for x := range size.X {
			dst[y*size.X+x] = byte((int(upper[2*x]) + int(upper[2*x+1]) + int(lower[2*x]) + int(lower[2*x+1]) + 2) >> 2)
		}
	}
}

// A table says for each pixel to be made between which two it lies.
type table struct{ x, y []step }

type step struct {
	index int // of the pixel before
	share int // of the one after it, of 256; 0: the one before alone
}

// steps are the centres of n pixels among from.
func steps(from, n int) []step {
	all := make([]step, n)
	for i := range all {
		at := max(((2*i+1)*from*256/n-256)/2, 0) // in 1/256 pixel
		all[i] = step{index: at / 256, share: at % 256}
		if all[i].index >= from-1 {
			all[i] = step{index: from - 1}
		}
	}
	return all
}
