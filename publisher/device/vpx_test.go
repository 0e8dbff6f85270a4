//go:build cgo && vpx && unix

package device_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"slices"
	"testing"
	"time"

	"weir/publisher"
	"weir/publisher/device"
	"weir/publisher/pattern"
)

// vp8 encodes n pictures of the pattern; key names those that are asked to be key frames. A picture that the encoder left
// out is nil.
func vp8(t *testing.T, p pattern.Params, n int64, key ...int64) [][]byte {
	t.Helper()
	painter, err := pattern.NewPainter(p)
	if err != nil {
		t.Fatal(err)
	}
	e, err := device.VP8(params(p))
	if err != nil {
		t.Fatal(err)
	}
	var units [][]byte
	for i := range n {
		b, err := e.Encode(painter.Draw(i, time.UnixMilli(1000*i)), slices.Contains(key, i))
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, b)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	return units
}

// ivf is a file of VP8 pictures.
func ivf(size image.Point, units [][]byte) []byte {
	b := append([]byte("DKIF\x00\x00\x20\x00VP80"), make([]byte, 20)...)
	binary.LittleEndian.PutUint16(b[12:], uint16(size.X))
	binary.LittleEndian.PutUint16(b[14:], uint16(size.Y))
	binary.LittleEndian.PutUint32(b[16:], 30)
	binary.LittleEndian.PutUint32(b[20:], 1)
	for i, u := range units {
		if len(u) > 0 {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(u)))
			b = append(binary.LittleEndian.AppendUint64(b, uint64(i)), u...)
		}
	}
	return b
}

// A decoder reads from the pictures what the pattern wrote into them, at sizes from the least up.
func TestBlocksSurviveVP8(t *testing.T) {
	for _, size := range []image.Point{{160, 90}, {320, 180}, {640, 360}, {480, 854}} {
		p := pattern.Default("test")
		p.Width, p.Height, p.BitRate = size.X, size.Y, max(300_000, 3*size.X*size.Y)
		units := vp8(t, p, 30)
		raw := ffmpeg(t, ivf(size, units), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough")
		stride := size.X * size.Y * 3 / 2
		var want []uint32
		for i, u := range units {
			if len(u) > 0 {
				want = append(want, uint32(i))
			}
		}
		if len(want) < 25 || len(raw) != len(want)*stride {
			t.Fatalf("%v: %d bytes decoded, want %d pictures of %d", size, len(raw), len(want), stride)
		}
		for i, n := range want {
			img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
			copy(img.Y, raw[i*stride:])
			got, err := pattern.Read(img)
			if err != nil || got != (pattern.Code{Frame: n, Millis: 1000 * n, Live: true}) {
				t.Errorf("%v, picture %d: got %+v, %v", size, n, got, err)
			}
		}
	}
}

// Key frames come first, when asked for, and ten seconds after the last; no others, though the pattern flashes.
func TestVP8KeyFrames(t *testing.T) {
	p := pattern.Default("test")
	p.Width, p.Height = 320, 180
	var got []int
	for i, u := range vp8(t, p, 360, 20, 50) {
		if len(u) > 0 && u[0]&1 == 0 { // RFC 6386 9.1
			got = append(got, i)
		}
	}
	if want := []int{0, 20, 50, 350}; !slices.Equal(got, want) {
		t.Errorf("key frames %v, want %v", got, want)
	}
}

// On pictures that are hard to compress the encoder holds its bit rate; a new one counts at once.
func TestVP8BitRate(t *testing.T) {
	e, err := device.VP8(publisher.VideoParams{Width: 320, Height: 180, Rate: 30, BitRate: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	source := &noise{}
	second := func() (bits int) {
		for range 150 {
			source.fill(img)
			b, err := e.Encode(img, false)
			if err != nil {
				t.Fatal(err)
			}
			bits += 8 * len(b)
		}
		return bits / 5
	}
	before := second()
	if err := e.SetBitRate(300_000); err != nil {
		t.Fatal(err)
	}
	after := second()
	t.Logf("asked for 1000000: %d bit/s; for 300000: %d", before, after)
	if before < 500_000 || before > 1_500_000 || after > 500_000 {
		t.Error("the bit rate is not held")
	}
	for _, bps := range []int{0, -1, 2_000_000_000} {
		if err := e.SetBitRate(bps); err == nil {
			t.Errorf("bit rate %d was taken", bps)
		}
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	if _, err := e.Encode(img, true); err == nil {
		t.Error("encoded after Close")
	}
	if err := e.SetBitRate(1000); err == nil {
		t.Error("bit rate set after Close")
	}
}

// Nothing reaches C that could be read beyond its end.
func TestVP8Refusals(t *testing.T) {
	for _, p := range []publisher.VideoParams{
		{},
		{Width: 14, Height: 16, Rate: 30, BitRate: 1e6},
		{Width: 321, Height: 180, Rate: 30, BitRate: 1e6},
		{Width: 4096, Height: 2306, Rate: 30, BitRate: 1e6},
		{Width: 320, Height: 180, BitRate: 1e6},
		{Width: 320, Height: 180, Rate: 90001, BitRate: 1e6},
		{Width: 320, Height: 180, Rate: 30},
	} {
		if _, err := device.VP8(p); err == nil {
			t.Errorf("an encoder for %+v", p)
		}
	}
	e, err := device.VP8(publisher.VideoParams{Width: 320, Height: 180, Rate: 30, BitRate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	of := func(change func(*image.YCbCr)) *image.YCbCr {
		img := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
		change(img)
		return img
	}
	for name, img := range map[string]*image.YCbCr{
		"larger":      image.NewYCbCr(image.Rect(0, 0, 322, 180), image.YCbCrSubsampleRatio420),
		"4:4:4":       image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio444),
		"odd place":   image.NewYCbCr(image.Rect(1, 1, 321, 181), image.YCbCrSubsampleRatio420),
		"short luma":  of(func(i *image.YCbCr) { i.Y = i.Y[:len(i.Y)-1] }),
		"short blue":  of(func(i *image.YCbCr) { i.Cb = i.Cb[:len(i.Cb)-1] }),
		"short red":   of(func(i *image.YCbCr) { i.Cr = nil }),
		"thin stride": of(func(i *image.YCbCr) { i.YStride = 319 }),
		"back stride": of(func(i *image.YCbCr) { i.CStride = -160 }),
	} {
		if _, err := e.Encode(img, false); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := device.MissingVP8(); err != nil {
		t.Error(err)
	}
}

// A part of a larger picture is encoded as the part alone is.
func TestVP8Part(t *testing.T) {
	p := pattern.Default("test")
	p.Width, p.Height = 320, 180
	painter, err := pattern.NewPainter(p)
	if err != nil {
		t.Fatal(err)
	}
	whole := painter.Draw(1, time.UnixMilli(0))
	large := image.NewYCbCr(image.Rect(-32, -8, 400, 200), image.YCbCrSubsampleRatio420)
	for y := range 180 {
		copy(large.Y[large.YOffset(0, y):], whole.Y[whole.YOffset(0, y):][:320])
		copy(large.Cb[large.COffset(0, y):], whole.Cb[whole.COffset(0, y):][:160])
		copy(large.Cr[large.COffset(0, y):], whole.Cr[whole.COffset(0, y):][:160])
	}
	part, ok := large.SubImage(whole.Rect).(*image.YCbCr)
	if !ok {
		t.Fatal("the part of a YCbCr picture is none")
	}
	var units [2][]byte
	for i, img := range []*image.YCbCr{whole, part} {
		e, err := device.VP8(params(p))
		if err != nil {
			t.Fatal(err)
		}
		if units[i], err = e.Encode(img, true); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(units[0]) == 0 || !bytes.Equal(units[0], units[1]) {
		t.Errorf("%d bytes of the whole, %d of the part, not the same", len(units[0]), len(units[1]))
	}
}

// BenchmarkVP8 draws and encodes 720p. core-% is the share of one core that this takes at 30 pictures a second.
func BenchmarkVP8(b *testing.B) {
	p := pattern.Default("test")
	painter, err := pattern.NewPainter(p)
	if err != nil {
		b.Fatal(err)
	}
	e, err := device.VP8(params(p))
	if err != nil {
		b.Fatal(err)
	}
	begin, bytes, left := cpu(), 0, 0
	n := int64(0)
	for ; b.Loop(); n++ {
		unit, err := e.Encode(painter.Draw(n, time.UnixMilli(n*1000/30)), false)
		if err != nil {
			b.Fatal(err)
		}
		if bytes += len(unit); len(unit) == 0 {
			left++
		}
	}
	b.ReportMetric(float64(cpu()-begin)/float64(n)*30/float64(time.Second)*100, "core-%")
	b.ReportMetric(float64(bytes)*8*30/float64(n)/1000, "kbit/s")
	b.ReportMetric(float64(left)/float64(n)*100, "left-out-%")
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}
