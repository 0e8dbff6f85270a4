package pattern

import (
	"fmt"
	"image"
	"math"
	"time"
)

// A Painter draws the pictures of one pattern. It keeps one picture and the card it is drawn on, 3 bytes a pixel in all. One
// goroutine at a time uses it.
type Painter struct {
	// static after NewPainter
	layout layout
	params Params
	card   *image.YCbCr
	clock  *atlas
	small  *atlas

	// owned by Draw
	img   *image.YCbCr
	ball  image.Rectangle // where the ball was drawn, even
	lit   bool            // the panels are white
	wrote []byte          // text being made
}

// NewPainter draws the card; that takes some 50 ms for 720p. The error says what is wrong with the parameters.
func NewPainter(p Params) (*Painter, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("make a pattern: %w", err)
	}
	f, err := loadFonts()
	if err != nil {
		return nil, err
	}
	d := &Painter{params: p, layout: newLayout(p.Width, p.Height), wrote: make([]byte, 0, 64)}
	rgb, err := drawCard(p, d.layout, f)
	if err != nil {
		return nil, err
	}
	d.card = toYCbCr(rgb)
	if d.clock, err = newAtlas(f.digits, 2*d.layout.radius*0.078); err != nil {
		return nil, err
	}
	if d.small, err = newAtlas(f.digits, 2*d.layout.radius*0.033); err != nil {
		return nil, err
	}
	d.img = image.NewYCbCr(d.card.Rect, d.card.SubsampleRatio)
	copy(d.img.Y, d.card.Y)
	copy(d.img.Cb, d.card.Cb)
	copy(d.img.Cr, d.card.Cr)
	return d, nil
}

// Draw returns picture n, n at least 0, with the wall clock of its due time in that time's zone. It allocates nothing. The
// picture is the painter's and valid until the next call.
func (d *Painter) Draw(n int64, due time.Time) *image.YCbCr {
	if d.params.Recorded {
		due = time.Unix(0, 0).UTC().Add(d.since(n))
	}
	d.restore(d.ball)
	d.flash(n%int64(d.params.Rate)*10 < int64(d.params.Rate))
	d.writeClock(due)
	d.writeCount(n)
	d.drawBall(n)
	Code{Frame: uint32(n), Millis: uint32(due.UnixMilli()), Live: !d.params.Recorded}.paint(d.img)
	return d.img
}

// since is the time from picture 0 to picture n.
func (d *Painter) since(n int64) time.Duration {
	rate := int64(d.params.Rate)
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate)
}

// restore copies a part of the card back. r is even.
func (d *Painter) restore(r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		i := y*d.img.YStride + r.Min.X
		copy(d.img.Y[i:i+r.Dx()], d.card.Y[i:])
	}
	for y := r.Min.Y / 2; y < r.Max.Y/2; y++ {
		i := y*d.img.CStride + r.Min.X/2
		copy(d.img.Cb[i:i+r.Dx()/2], d.card.Cb[i:])
		copy(d.img.Cr[i:i+r.Dx()/2], d.card.Cr[i:])
	}
}

// flash lights the panels or darkens them.
func (d *Painter) flash(on bool) {
	if on == d.lit {
		return
	}
	d.lit = on
	luma := byte(black)
	if on {
		luma = white
	}
	for _, r := range d.layout.flashes {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			fill(d.img.Y[y*d.img.YStride:][r.Min.X:r.Max.X], luma)
		}
	}
}

// writeClock writes HH:MM:SS.mmm and, of a live clock, the date and its zone below.
func (d *Painter) writeClock(t time.Time) {
	band := d.layout.clockBand()
	hour, minute, second := t.Clock()
	b := two(d.wrote[:0], hour)
	b = two(append(b, ':'), minute)
	b = two(append(b, ':'), second)
	milli := t.Nanosecond() / int(time.Millisecond)
	b = two(append(b, '.', byte('0'+milli/100)), milli%100)
	d.write(d.clock, band.Min.Y+band.Dy()*39/100, b)
	if d.params.Recorded {
		return
	}
	year, month, day := t.Date()
	b = two(two(b[:0], year/100), year%100)
	b = two(append(b, '-'), int(month))
	b = two(append(b, '-'), day)
	_, offset := t.Zone()
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	b = two(append(b, ' ', 'U', 'T', 'C', sign), offset/3600)
	b = two(append(b, ':'), offset/60%60)
	d.write(d.small, band.Min.Y+band.Dy()*83/100, b)
}

// writeCount writes the picture's number.
func (d *Painter) writeCount(n int64) {
	band := d.layout.countBand()
	var digits [10]byte
	rest := uint32(n)
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + rest%10)
		rest /= 10
	}
	d.write(d.small, band.Min.Y+band.Dy()*33/100, append(d.wrote[:0], digits[:]...))
}

// write puts text in the middle of the ring, its middle at that height.
func (d *Painter) write(a *atlas, y int, text []byte) {
	a.write(d.img, image.Pt(d.layout.centre.X-a.width*len(text)/2, y-a.height/2), text)
}

// two appends two decimal digits.
func two(b []byte, v int) []byte {
	return append(b, byte('0'+v/10%10), byte('0'+v%10))
}

// drawBall puts the ball on the ring: at the top on second 0, a quarter on with each second.
func (d *Painter) drawBall(n int64) {
	l := &d.layout
	round := 4 * int64(d.params.Rate)
	sin, cos := math.Sincos(2 * math.Pi * float64(n%round) / float64(round))
	x, y := float64(l.centre.X)+l.radius*sin, float64(l.centre.Y)-l.radius*cos
	reach := l.ball + 2
	r := image.Rect(int(x-reach)&^1, int(y-reach)&^1, (int(x+reach)+2)&^1, (int(y+reach)+2)&^1)
	d.ball = r.Intersect(image.Rect(l.main.Min.X, l.main.Min.Y, l.main.Max.X&^1, l.main.Max.Y&^1))

	luma, cb, cr := studio(255, 158, 44)
	shade := 60 / (l.ball * l.ball) // darker away from the light, which comes from the upper left
	for py := d.ball.Min.Y; py < d.ball.Max.Y; py++ {
		line := d.img.Y[py*d.img.YStride:]
		for px := d.ball.Min.X; px < d.ball.Max.X; px++ {
			dx, dy := float64(px)+0.5-x, float64(py)+0.5-y
			cover := l.ball + 0.5 - math.Sqrt(dx*dx+dy*dy)
			if cover <= 0 {
				continue
			}
			lx, ly := dx+l.ball/3, dy+l.ball/3
			line[px] = blend(line[px], luma+35-shade*(lx*lx+ly*ly), cover)
			if px%2 == 0 && py%2 == 0 {
				i := py/2*d.img.CStride + px/2
				d.img.Cb[i], d.img.Cr[i] = blend(d.img.Cb[i], cb, cover), blend(d.img.Cr[i], cr, cover)
			}
		}
	}
}

// blend lays v over was; cover of 1 or more hides what was.
func blend(was byte, v, cover float64) byte {
	if cover >= 1 {
		return byte(v)
	}
	return byte(float64(was) + (v-float64(was))*cover)
}
