//go:build cgo && linux

package device_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/prop"

	"weir/publisher"
	"weir/publisher/device"
)

// The mode of a device that suits best: raw up to 720p, the rate before the encoding, pictures before their rate.
func TestPick(t *testing.T) {
	const yuyv, mjpeg, nv12 = frame.FormatYUYV, frame.FormatMJPEG, frame.FormatNV12
	webcam := []prop.Media{
		mode(yuyv, 640, 480, 30), mode(yuyv, 640, 360, 30), mode(yuyv, 1280, 720, 10), mode(yuyv, 1920, 1080, 5),
		mode(mjpeg, 640, 480, 30), mode(mjpeg, 640, 360, 30), mode(mjpeg, 1280, 720, 30), mode(mjpeg, 1280, 720, 60), mode(mjpeg, 1920, 1080, 30),
	}
	quick := append([]prop.Media{mode(nv12, 1280, 720, 30), mode(nv12, 1920, 1080, 30), mode(yuyv, 1280, 720, 60)}, webcam...)
	for _, c := range []struct {
		name                string
		modes               []prop.Media
		width, height, rate int
		want                prop.Media
	}{
		{"raw where both are there", webcam, 640, 360, 30, mode(yuyv, 640, 360, 30)},
		{"compressed where raw is slow", webcam, 1280, 720, 30, mode(mjpeg, 1280, 720, 30)},
		{"raw where that is enough", webcam, 1280, 720, 10, mode(yuyv, 1280, 720, 10)},
		{"raw at 720p", quick, 1280, 720, 30, mode(nv12, 1280, 720, 30)},
		{"compressed above", quick, 1920, 1080, 30, mode(mjpeg, 1920, 1080, 30)},
		{"nearest above", webcam, 600, 340, 30, mode(yuyv, 640, 360, 30)},
		{"the largest there is", webcam[:2], 1280, 720, 30, mode(yuyv, 640, 360, 30)},
		{"rather slow than small", []prop.Media{mode(yuyv, 160, 120, 30), mode(yuyv, 1280, 720, 10)}, 1280, 720, 30, mode(yuyv, 1280, 720, 10)},
		{"of unknown rate", []prop.Media{mode(yuyv, 640, 480, 0)}, 640, 480, 30, mode(yuyv, 640, 480, 0)},
		{"depth is no picture", []prop.Media{mode(frame.FormatZ16, 640, 480, 30), mode(mjpeg, 320, 240, 30)}, 640, 480, 30, mode(mjpeg, 320, 240, 30)},
	} {
		got, ok := device.Pick(c.modes, publisher.VideoParams{Width: c.width, Height: c.height, Rate: c.rate})
		if !ok || got != c.want {
			t.Errorf("%s: %v, %+v, want %+v", c.name, ok, got.Video, c.want.Video)
		}
	}
	if _, ok := device.Pick([]prop.Media{mode("H264", 640, 480, 30)}, publisher.VideoParams{Width: 640, Height: 480, Rate: 30}); ok {
		t.Error("picked a mode that cannot be decoded")
	}
}

// quarters is a picture with four colours.
func quarters(size image.Point, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := image.NewYCbCr(image.Rectangle{Max: size}, ratio)
	for y := range size.Y {
		for x := range size.X {
			part := 2*y/size.Y*2 + 2*x/size.X
			img.Y[img.YOffset(x, y)] = byte(40 + 50*part)
			img.Cb[img.COffset(x, y)], img.Cr[img.COffset(x, y)] = byte(60+40*part), byte(200-40*part)
		}
	}
	return img
}

func checkQuarters(t *testing.T, what string, img *image.YCbCr, in image.Rectangle, tolerance int) {
	t.Helper()
	near := func(a byte, b int) bool { return int(a) >= b-tolerance && int(a) <= b+tolerance }
	for part := range 4 {
		x, y := in.Min.X+in.Dx()*(1+2*(part%2))/4, in.Min.Y+in.Dy()*(1+2*(part/2))/4
		c := img.YCbCrAt(x, y)
		if !near(c.Y, 40+50*part) || !near(c.Cb, 60+40*part) || !near(c.Cr, 200-40*part) {
			t.Errorf("%s: part %d is %+v", what, part, c)
		}
	}
}

// Pictures of every layout become 4:2:0, and of any size one that fits, with black beside it.
func TestPicturesAreFitted(t *testing.T) {
	for _, c := range []struct {
		from, to image.Point
		frame    image.Rectangle
	}{
		{image.Pt(640, 480), image.Pt(640, 480), image.Rect(0, 0, 640, 480)},
		{image.Pt(641, 481), image.Pt(640, 480), image.Rect(0, 0, 640, 480)},
		{image.Pt(640, 480), image.Pt(1280, 720), image.Rect(160, 0, 1120, 720)},
		{image.Pt(1920, 1080), image.Pt(320, 180), image.Rect(0, 0, 320, 180)},
		{image.Pt(1280, 720), image.Pt(640, 480), image.Rect(0, 60, 640, 420)},
		{image.Pt(64, 64), image.Pt(16, 16), image.Rect(0, 0, 16, 16)},
		{image.Pt(34, 18), image.Pt(4096, 16), image.Rect(2034, 0, 2064, 16)},
	} {
		for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444} {
			got, err := device.Fit(quarters(c.from, ratio), false, c.to)
			if err != nil || got.Rect.Size() != c.to || got.SubsampleRatio != image.YCbCrSubsampleRatio420 {
				t.Fatalf("%v to %v: %v, %v", c.from, c.to, got.Rect, err)
			}
			checkQuarters(t, c.from.String()+" to "+c.to.String(), got, c.frame, 2)
			for _, p := range []image.Point{{}, {c.to.X - 1, c.to.Y - 1}} {
				if black := got.YCbCrAt(p.X, p.Y) == (color.YCbCr{Y: 16, Cb: 128, Cr: 128}); black == p.In(c.frame) {
					t.Errorf("%v to %v: %v is %+v", c.from, c.to, p, got.YCbCrAt(p.X, p.Y))
				}
			}
		}
	}
}

// Full range, as of JPEG, and the colours of a screen become video range.
func TestPicturesHaveVideoRange(t *testing.T) {
	rgba, gray := image.NewRGBA(image.Rect(0, 0, 16, 16)), image.NewGray(image.Rect(0, 0, 16, 16))
	full := image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio422)
	for i := range full.Y {
		full.Y[i], gray.Pix[i] = 255, 255
	}
	for i := range full.Cb {
		full.Cb[i], full.Cr[i] = 255, 0
	}
	for i := range rgba.Pix {
		rgba.Pix[i] = []byte{255, 0, 0, 255}[i%4]
	}
	for _, c := range []struct {
		img  image.Image
		full bool
		want color.YCbCr
	}{
		{full, true, color.YCbCr{Y: 235, Cb: 239, Cr: 16}},
		{full, false, color.YCbCr{Y: 255, Cb: 255, Cr: 0}},
		{gray, true, color.YCbCr{Y: 235, Cb: 128, Cr: 128}},
		{rgba, false, color.YCbCr{Y: 82, Cb: 90, Cr: 240}},
	} {
		got, err := device.Fit(c.img, c.full, image.Pt(16, 16))
		if err != nil || got.YCbCrAt(3, 3) != c.want {
			t.Errorf("%T, full %v: %+v, %v, want %+v", c.img, c.full, got.YCbCrAt(3, 3), err, c.want)
		}
	}
	if _, err := device.Fit(image.NewCMYK(image.Rect(0, 0, 16, 16)), true, image.Pt(16, 16)); err == nil {
		t.Error("took a picture for print")
	}
	if _, err := device.Fit(image.NewGray(image.Rect(0, 0, 1, 1)), true, image.Pt(16, 16)); err == nil {
		t.Error("took a picture of one pixel")
	}
}

func BenchmarkFit(b *testing.B) {
	for name, c := range map[string]struct {
		from  image.Point
		ratio image.YCbCrSubsampleRatio
	}{
		"same 720p 422": {image.Pt(1280, 720), image.YCbCrSubsampleRatio422},
		"1080p to 720p": {image.Pt(1920, 1080), image.YCbCrSubsampleRatio422},
	} {
		b.Run(name, func(b *testing.B) {
			img := quarters(c.from, c.ratio)
			fit := device.NewFit(image.Pt(1280, 720))
			for b.Loop() {
				if _, err := fit(img, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
