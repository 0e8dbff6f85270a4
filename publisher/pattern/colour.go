package pattern

import "image"

// toYCbCr converts to BT.601 in video range, 4:2:0, chroma the mean of four pixels. The size is even.
func toYCbCr(src *image.RGBA) *image.YCbCr {
	dst := image.NewYCbCr(src.Rect, image.YCbCrSubsampleRatio420)
	size := src.Rect.Size()
	for y := 0; y < size.Y; y += 2 {
		for x := 0; x < size.X; x += 2 {
			var cb, cr float64
			for i := range 4 {
				px, py := x+i%2, y+i/2
				p := src.Pix[src.PixOffset(px, py):]
				luma, b, r := studio(float64(p[0]), float64(p[1]), float64(p[2]))
				dst.Y[py*dst.YStride+px] = byte(luma + 0.5)
				cb, cr = cb+b, cr+r
			}
			at := y/2*dst.CStride + x/2
			dst.Cb[at], dst.Cr[at] = byte(cb/4+0.5), byte(cr/4+0.5)
		}
	}
	return dst
}

// studio is ITU-R BT.601-7 2.5.3, from 8-bit RGB.
func studio(r, g, b float64) (y, cb, cr float64) {
	y = 16 + (65.481*r+128.553*g+24.966*b)/255
	cb = 128 + (-37.797*r-74.203*g+112*b)/255
	cr = 128 + (112*r-93.786*g-18.214*b)/255
	return y, cb, cr
}
