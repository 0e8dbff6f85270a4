package pattern_test

import (
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"weir/publisher/pattern"
)

func painter(tb testing.TB, change func(*pattern.Params)) *pattern.Painter {
	tb.Helper()
	p := pattern.Default("test")
	change(&p)
	d, err := pattern.NewPainter(p)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func size(width, height int) func(*pattern.Params) {
	return func(p *pattern.Params) { p.Width, p.Height = width, height }
}

// What is drawn is read back, at every kind of size and for every bit.
func TestReadWhatIsDrawn(t *testing.T) {
	sizes := [][2]int{
		{160, 90},
		{162, 92},
		{320, 180},
		{640, 360},
		{640, 480},
		{854, 480},
		{1280, 720},
		{1920, 1080},
		{720, 1280},
		{480, 480},
		{3000, 90},
		{160, 3000},
		{2560, 1440},
	}
	for _, s := range sizes {
		d := painter(t, size(s[0], s[1]))
		for range 2 {
			n, at := int64(rand.Uint32()), time.UnixMilli(rand.Int64N(1<<42))
			got, err := pattern.Read(d.Draw(n, at))
			want := pattern.Code{Frame: uint32(n), Millis: uint32(at.UnixMilli()), Live: true}
			if err != nil || got != want {
				t.Fatalf("%v: got %+v, %v; want %+v", s, got, err, want)
			}
		}
	}
}

func TestNumbersWrap(t *testing.T) {
	got, err := pattern.Read(painter(t, size(320, 180)).Draw(1<<32+5, time.UnixMilli(1<<32+7)))
	if want := (pattern.Code{Frame: 5, Millis: 7, Live: true}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// A recorded card counts from zero and says so.
func TestRecorded(t *testing.T) {
	d := painter(t, func(p *pattern.Params) { p.Recorded, p.Rate = true, 30 })
	got, err := pattern.Read(d.Draw(95, time.Now()))
	if want := (pattern.Code{Frame: 95, Millis: 3166, Live: false}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// scaled is a picture shown smaller or larger, as a page does it, with a little noise.
func scaled(src image.Image, width, height int) image.Image {
	dst := image.NewRGBA(image.Rect(7, 3, 7+width, 3+height))
	b := src.Bounds()
	for y := range height {
		for x := range width {
			r, g, bl, _ := src.At(b.Min.X+x*b.Dx()/width, b.Min.Y+y*b.Dy()/height).RGBA()
			noise := func(v uint32) uint8 { return uint8(max(0, min(255, int(v>>8)+rand.IntN(40)-20))) }
			dst.Set(7+x, 3+y, color.RGBA{R: noise(r), G: noise(g), B: noise(bl), A: 255})
		}
	}
	return dst
}

func TestReadScaled(t *testing.T) {
	d := painter(t, size(640, 360))
	for _, s := range [][2]int{{640, 360}, {853, 479}, {375, 211}, {320, 180}, {500, 500}} {
		got, err := pattern.Read(scaled(d.Draw(123456, time.UnixMilli(99)), s[0], s[1]))
		if want := (pattern.Code{Frame: 123456, Millis: 99, Live: true}); err != nil || got != want {
			t.Errorf("%v: got %+v, %v; want %+v", s, got, err, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	drawn := painter(t, size(640, 360)).Draw(77, time.UnixMilli(5))
	whole := func() *image.YCbCr {
		c := *drawn
		c.Y = append([]byte(nil), drawn.Y...)
		return &c
	}
	invert := func(img *image.YCbCr, column, row int) *image.YCbCr {
		for y := 360 - (2-row)*15; y < 360-(1-row)*15; y++ {
			for x := column * 16; x < (column+1)*16; x++ {
				img.Y[y*img.YStride+x] = 251 - img.Y[y*img.YStride+x]
			}
		}
		return img
	}
	if _, err := pattern.Read(whole()); err != nil {
		t.Fatalf("the whole picture: %v", err)
	}
	for row := range 2 {
		for column := range 40 {
			if c, err := pattern.Read(invert(whole(), column, row)); !errors.Is(err, pattern.ErrNoCode) {
				t.Errorf("block %d of row %d inverted: got %+v, %v", column, row, c, err)
			}
		}
	}
	if _, err := pattern.Read(whole().SubImage(image.Rect(0, 0, 640, 330))); !errors.Is(err, pattern.ErrNoCode) {
		t.Errorf("without the strip: %v", err)
	}
	if _, err := pattern.Read(image.NewGray(image.Rect(0, 0, 1, 1))); !errors.Is(err, pattern.ErrNoCode) {
		t.Errorf("one pixel: %v", err)
	}
	both := invert(invert(whole(), 34, 0), 35, 0)
	for column := 36; column < 39; column++ {
		both = invert(both, column, 0)
	}
	if _, err := pattern.Read(both); err == nil || !strings.Contains(err.Error(), "live blocks differ") {
		t.Errorf("one row recorded, with its check: %v", err)
	}
}

// litAt says whether the left panel is white in picture n.
func litAt(d *pattern.Painter, n int64) bool {
	img := d.Draw(n, time.UnixMilli(n))
	return img.Y[img.YOffset(39, 82)] > 128
}

// The panels are white for a tenth of a second from each second on, and at least for one picture.
func TestFlash(t *testing.T) {
	for _, rate := range []int64{5, 25, 30, 60, 120} {
		d := painter(t, func(p *pattern.Params) { p.Width, p.Height, p.Rate = 320, 180, int(rate) })
		for n := range 3 * rate {
			if want := n%rate < max(1, rate/10+min(1, rate%10)); litAt(d, n) != want {
				t.Errorf("rate %d, picture %d: lit is %v", rate, n, !want)
			}
		}
	}
}

// Nothing of one picture stays behind in the next: pictures drawn in any order are those of a fresh painter.
func TestPicturesDependOnNumberAlone(t *testing.T) {
	used := painter(t, size(640, 360))
	for range 10 {
		n := rand.Int64N(1000)
		at := time.UnixMilli(rand.Int64N(1 << 40))
		got, want := used.Draw(n, at), painter(t, size(640, 360)).Draw(n, at)
		if string(got.Y) != string(want.Y) || string(got.Cb) != string(want.Cb) || string(got.Cr) != string(want.Cr) {
			t.Fatalf("picture %d differs from that of a fresh painter", n)
		}
	}
}

func TestDrawAllocatesNothing(t *testing.T) {
	d := painter(t, size(1280, 720))
	n, at := int64(0), time.Now()
	if allocs := testing.AllocsPerRun(100, func() { d.Draw(n, at); n++ }); allocs != 0 {
		t.Errorf("%v allocations a picture", allocs)
	}
}

func TestValidate(t *testing.T) {
	if err := pattern.Default("test").Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	for _, c := range []struct {
		want   string
		change func(*pattern.Params)
	}{
		{"size 158x90: must be at least 160x90", size(158, 90)},
		{"size 160x88", size(160, 88)},
		{"size 0x0", size(0, 0)},
		{"size -2x-2", size(-2, -2)},
		{"size 4096x2306: must be at least 160x90, at most 4096 a side and at most 9437184 pixels", size(4096, 2306)},
		{"size 4098x90", size(4098, 90)},
		{"size 9223372036854775806x4096", size(math.MaxInt-1, 4096)},
		{"size 641x360: width and height must be even", size(641, 360)},
		{"size 640x361: width and height must be even", size(640, 361)},
		{"rate 0 pictures a second: must be 1 to 120", func(p *pattern.Params) { p.Rate = 0 }},
		{"rate 121", func(p *pattern.Params) { p.Rate = 121 }},
		{"bit rate 10 bit/s", func(p *pattern.Params) { p.BitRate = 10 }},
		{"left tone 19 Hz", func(p *pattern.Params) { p.LeftHz = 19 }},
		{"right tone 20000 Hz", func(p *pattern.Params) { p.RightHz = 20000 }},
		{"name of 65 bytes", func(p *pattern.Params) { p.Name = strings.Repeat("x", 65) }},
	} {
		p := pattern.Default("test")
		c.change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
		if _, err := pattern.NewPainter(p); err == nil {
			t.Errorf("a painter was made: %q", c.want)
		}
	}
	p := pattern.Default("test")
	p.Rate, p.LeftHz = 0, 0
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "rate 0") || !strings.Contains(err.Error(), "left tone 0") {
		t.Errorf("not all that is wrong is named: %v", err)
	}
}

func BenchmarkDraw720p(b *testing.B) {
	d := painter(b, size(1280, 720))
	b.ReportAllocs()
	for n := int64(0); b.Loop(); n++ {
		d.Draw(n, time.UnixMilli(n))
	}
}
