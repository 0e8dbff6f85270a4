//go:build cgo

package device

import (
	"fmt"
	"image"

	"weir/publisher"
)

// The bounds of OpenH264; outside of them it fails only at the first picture, or not at all. libvpx gets the same.
const (
	leastSide  = 16
	mostPixels = 9_437_184
)

// keyFrameSeconds is after how long a key frame comes unasked. Whoever needs one sooner asks for it.
const keyFrameSeconds = 10

// checkSize returns an error unless an encoder may get pictures of that size.
func checkSize(p publisher.VideoParams) error {
	if p.Width < leastSide || p.Height < leastSide || p.Width > mostPixels/p.Height || p.Width%2 != 0 || p.Height%2 != 0 {
		return fmt.Errorf("size %dx%d: must be even, at least %dx%d and at most %d pixels",
			p.Width, p.Height, leastSide, leastSide, mostPixels)
	}
	return nil
}

// checkPicture returns an error unless C can read a picture of that even size from img and nothing behind it.
func checkPicture(img *image.YCbCr, size image.Point) error {
	if img.Rect.Size() != size || img.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return fmt.Errorf("picture is %v %v, encoder takes %v 4:2:0", img.Rect.Size(), img.SubsampleRatio, size)
	}
	if img.Rect.Min.X%2 != 0 || img.Rect.Min.Y%2 != 0 {
		return fmt.Errorf("picture begins at %v, must at an even place", img.Rect.Min)
	}
	y, c := img.YOffset(img.Rect.Min.X, img.Rect.Min.Y), img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	luma, chroma := y+(size.Y-1)*img.YStride+size.X, c+(size.Y/2-1)*img.CStride+size.X/2
	if y < 0 || c < 0 || img.YStride < size.X || img.CStride < size.X/2 ||
		len(img.Y) < luma || len(img.Cb) < chroma || len(img.Cr) < chroma {
		return fmt.Errorf("picture of %v has too few bytes", size)
	}
	return nil
}
