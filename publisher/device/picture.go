package device

import (
	"fmt"
	"image"
)

// Black in video range (ITU-R BT.601).
const (
	blackY = 16
	blackC = 128
)

// planar returns a copy of a device's picture in 4:2:0, video range, and of even size: an odd last line or column is left
// out. Full says that the picture has full range, as JPEG has.
func planar(img image.Image, full bool) (*image.YCbCr, error) {
	size := img.Bounds().Size()
	dst := image.NewYCbCr(image.Rect(0, 0, size.X&^1, size.Y&^1), image.YCbCrSubsampleRatio420)
	if dst.Rect.Empty() {
		return nil, fmt.Errorf("picture of %v", size)
	}
	switch src := img.(type) {
	case *image.YCbCr:
		if err := copyPlanes(dst, src); err != nil {
			return nil, err
		}
		if full {
			narrow(dst)
		}
	case *image.Gray:
		for y := range dst.Rect.Dy() {
			copy(dst.Y[y*dst.YStride:][:dst.Rect.Dx()], src.Pix[y*src.Stride:])
		}
		level(dst.Cb, blackC)
		level(dst.Cr, blackC)
		if full {
			narrow(dst)
		}
	case *image.RGBA:
		fromRGBA(dst, src)
	default:
		return nil, fmt.Errorf("pictures of type %T are not understood", img)
	}
	return dst, nil
}

// copyPlanes copies brightness and takes the mean of the colours that share a place in 4:2:0.
func copyPlanes(dst, src *image.YCbCr) error {
	width, height := dst.Rect.Dx(), dst.Rect.Dy()
	for y := range height {
		copy(dst.Y[y*dst.YStride:][:width], src.Y[y*src.YStride:])
	}
	for y := range height / 2 {
		b, r := dst.Cb[y*dst.CStride:][:width/2], dst.Cr[y*dst.CStride:][:width/2]
		switch src.SubsampleRatio {
		case image.YCbCrSubsampleRatio420:
			copy(b, src.Cb[y*src.CStride:])
			copy(r, src.Cr[y*src.CStride:])
		case image.YCbCrSubsampleRatio422:
			upper, lower := 2*y*src.CStride, (2*y+1)*src.CStride
			for x := range width / 2 {
				b[x] = mean(src.Cb[upper+x], src.Cb[lower+x])
				r[x] = mean(src.Cr[upper+x], src.Cr[lower+x])
			}
		case image.YCbCrSubsampleRatio444:
			upper, lower := 2*y*src.CStride, (2*y+1)*src.CStride
			for x := range width / 2 {
				b[x] = mean(mean(src.Cb[upper+2*x], src.Cb[upper+2*x+1]), mean(src.Cb[lower+2*x], src.Cb[lower+2*x+1]))
				r[x] = mean(mean(src.Cr[upper+2*x], src.Cr[upper+2*x+1]), mean(src.Cr[lower+2*x], src.Cr[lower+2*x+1]))
			}
		default:
			return fmt.Errorf("pictures of %v are not understood", src.SubsampleRatio)
		}
	}
	return nil
}

func mean(a, b byte) byte { return byte((uint(a) + uint(b) + 1) / 2) }

// narrow maps full range to video range.
func narrow(img *image.YCbCr) {
	var luma, chroma [256]byte
	for v := range 256 {
		luma[v] = byte(16 + (v*219+127)/255)
		chroma[v] = byte(128 + (v-128)*224/255)
	}
	for i, v := range img.Y {
		img.Y[i] = luma[v]
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = chroma[img.Cb[i]], chroma[img.Cr[i]]
	}
}

// fromRGBA is for screens: BT.601, video range. The colour is that of each upper left pixel of four.
func fromRGBA(dst *image.YCbCr, src *image.RGBA) {
	width := dst.Rect.Dx()
	for y := range dst.Rect.Dy() {
		line, out := src.Pix[y*src.Stride:][:4*width], dst.Y[y*dst.YStride:][:width]
		for x := range width {
			r, g, b := int(line[4*x]), int(line[4*x+1]), int(line[4*x+2])
			out[x] = byte((66*r+129*g+25*b+128)>>8 + 16)
			if x%2 == 0 && y%2 == 0 {
				i := y/2*dst.CStride + x/2
				dst.Cb[i] = byte((-38*r-74*g+112*b+128)>>8 + 128)
				dst.Cr[i] = byte((112*r-94*g-18*b+128)>>8 + 128)
			}
		}
	}
}

func level(plane []byte, v byte) {
	for i := range plane {
		plane[i] = v
	}
}
