package pattern

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// card draws what never changes in the pattern.
type card struct {
	layout
	params Params
	fonts  fonts
	img    *image.RGBA
}

// drawCard draws the whole of it: about the work of some hundred pictures, done once.
func drawCard(p Params, l layout, f fonts) (*image.RGBA, error) {
	c := &card{layout: l, params: p, fonts: f, img: image.NewRGBA(image.Rectangle{Max: l.size})}
	c.fill(c.img.Rect, grey(0))
	c.grid()
	inside := &card{layout: l, params: p, fonts: f, img: image.NewRGBA(image.Rectangle{Max: l.size})}
	inside.bars()
	inside.greys()
	inside.gratings()
	if err := inside.texts(); err != nil {
		return nil, err
	}
	disc := c.mask(func(r *vector.Rasterizer) { circle(r, c.centre, c.radius) })
	draw.DrawMask(c.img, c.main, inside.img, image.Point{}, disc, image.Point{}, draw.Over)
	ring := c.mask(func(r *vector.Rasterizer) {
		circle(r, c.centre, c.radius+c.line/2)
		circle(r, c.centre, -(c.radius - c.line/2)) // the other way round: a hole
	})
	draw.DrawMask(c.img, c.main, image.NewUniform(grey(1)), image.Point{}, ring, image.Point{}, draw.Over)
	if err := c.sides(); err != nil {
		return nil, err
	}
	return c.img, nil
}

// grey is a grey of the pattern, 0 black to 1 white.
func grey(v float64) color.RGBA {
	b := byte(math.Round(255 * v))
	return color.RGBA{R: b, G: b, B: b, A: 255}
}

func (c *card) fill(r image.Rectangle, col color.Color) {
	draw.Draw(c.img, r, image.NewUniform(col), image.Point{}, draw.Src)
}

// mask rasterizes a path to coverage.
func (c *card) mask(path func(*vector.Rasterizer)) *image.Alpha {
	r := vector.NewRasterizer(c.size.X, c.size.Y)
	path(r)
	m := image.NewAlpha(c.img.Rect)
	r.Draw(m, m.Rect, image.Opaque, image.Point{})
	return m
}

// circle adds a circle to the path; a negative radius turns the other way round and cuts a hole.
func circle(r *vector.Rasterizer, centre image.Point, radius float64) {
	const steps = 256
	at := func(i int) (x, y float32) {
		turn := 2 * math.Pi * float64(i) / steps
		if radius < 0 {
			turn = -turn
		}
		size := math.Abs(radius)
		return float32(float64(centre.X) + size*math.Cos(turn)), float32(float64(centre.Y) + size*math.Sin(turn))
	}
	r.MoveTo(at(0))
	for i := 1; i < steps; i++ {
		r.LineTo(at(i))
	}
	r.ClosePath()
}

// grid is the ground outside the ring: a net of squares with black and white in turn at three edges, so that one sees whether the
// picture is cut.
func (c *card) grid() {
	const across = 16
	cell := float64(c.main.Dy()) / across
	columns := max(2*int(math.Round(float64(c.size.X)/cell/2)), 2)
	edge := func(i, of, length int) int { return i * length / of }
	c.fill(c.main, color.RGBA{R: 50, G: 60, B: 76, A: 255})
	line := max(1, c.main.Dy()/330)
	net := color.RGBA{R: 104, G: 120, B: 142, A: 255}
	for i := 1; i < columns; i++ {
		x := edge(i, columns, c.size.X)
		c.fill(image.Rect(x-line/2-line%2, 0, x+line/2, c.main.Max.Y), net)
	}
	for i := 1; i < across; i++ {
		y := edge(i, across, c.main.Dy())
		c.fill(image.Rect(0, y-line/2-line%2, c.size.X, y+line/2), net)
	}
	border := max(2, int(cell/2.5))
	for i := range columns {
		x0, x1 := edge(i, columns, c.size.X), edge(i+1, columns, c.size.X)
		c.fill(image.Rect(x0, 0, x1, border), grey(float64(i%2)))
	}
	for i := range across {
		y0, y1 := edge(i, across, c.main.Dy()), edge(i+1, across, c.main.Dy())
		c.fill(image.Rect(0, max(y0, border), border, y1), grey(float64(i%2)))
		c.fill(image.Rect(c.size.X-border, max(y0, border), c.size.X, y1), grey(float64((i+1)%2)))
	}
	c.fill(image.Rect(0, c.main.Max.Y-border/2, c.size.X, c.main.Max.Y), grey(0.5)) // parts the card from the blocks
}

// bars are the eight colours of EBU bars, 100/0/75/0, in falling luminance.
func (c *card) bars() {
	band := c.barsBand()
	for i := range 8 {
		level := func(off bool) byte {
			switch {
			case off:
				return 0
			case i == 0:
				return 255
			default:
				return 191
			}
		}
		col := color.RGBA{R: level(i/2%2 == 1), G: level(i/4 == 1), B: level(i%2 == 1), A: 255}
		c.fill(column(band, i, 8), col)
	}
}

// column is part i of n of a rectangle, from left to right, on even pixels.
func column(r image.Rectangle, i, n int) image.Rectangle {
	return image.Rect(r.Min.X+i*r.Dx()/n/2*2, r.Min.Y, r.Min.X+(i+1)*r.Dx()/n/2*2, r.Max.Y)
}

// greys are a staircase of eleven steps and a smooth ramp that runs the other way.
func (c *card) greys() {
	stairs, ramp := c.stairsBand(), c.rampBand()
	for i := range 11 {
		c.fill(column(stairs, i, 11), grey(float64(i)/10))
	}
	for x := ramp.Min.X; x < ramp.Max.X; x++ {
		c.fill(image.Rect(x, ramp.Min.Y, x+1, ramp.Max.Y), grey(1-float64(x-ramp.Min.X)/float64(ramp.Dx()-1)))
	}
}

// gratings are upright lines that get finer, down to single pixels.
func (c *card) gratings() {
	band := c.gratingsBand()
	c.fill(band, grey(0.5))
	widths := []int{6, 5, 4, 3, 2, 1}
	inside := c.chord(band).Inset(max(2, band.Dy()/10))
	for i, width := range widths {
		part := column(inside, i, len(widths))
		part.Max.X -= part.Dx() / 8
		for x := part.Min.X; x+width <= part.Max.X; x += 2 * width {
			c.fill(image.Rect(x, part.Min.Y, x+width, part.Max.Y), grey(1))
			c.fill(image.Rect(x+width, part.Min.Y, min(x+2*width, part.Max.X), part.Max.Y), grey(0))
		}
	}
}

// texts are the name and the black plates on which changing text is written later.
func (c *card) texts() error {
	for _, r := range []image.Rectangle{c.nameBand(), c.clockBand(), c.countBand()} {
		c.fill(r, grey(0))
	}
	name := c.params.Name
	if name == "" {
		name = "WEIR"
	}
	high := float64(c.nameBand().Dy())
	title := c.chord(c.band(0.05, 0.085))
	if err := drawText(c.img, c.fonts.text, "WEIR", 0.17*high, title, color.RGBA{R: 255, G: 158, B: 44, A: 255}); err != nil {
		return err
	}
	if err := drawText(c.img, c.fonts.text, name, 0.36*high, c.chord(c.band(0.10, 0.165)), grey(1)); err != nil {
		return err
	}
	if err := drawText(c.img, c.fonts.text, "FRAME", 0.15*high, c.chord(c.band(0.925, 0.95)), grey(0.7)); err != nil {
		return err
	}
	if !c.params.Recorded {
		return nil
	}
	warn := c.chord(c.band(0.525, 0.58))
	warn.Min.X, warn.Max.X = warn.Min.X+warn.Dx()/20, warn.Max.X-warn.Dx()/20
	return drawText(c.img, c.fonts.text, "RECORDED CLIP — CLOCK IS NOT LIVE", float64(warn.Dy()), warn, grey(1))
}

// sides are the stars, the flash panels while dark, and what is said of picture and sound.
func (c *card) sides() error {
	for i := range 2 {
		if !c.stars[i].Empty() {
			c.star(c.stars[i])
		}
		frame := max(2, c.flashes[i].Dy()/40/2*2)
		c.fill(c.flashes[i].Inset(-frame), grey(0.85))
		c.fill(c.flashes[i], grey(0))
	}
	p := c.params
	labels := [2]string{fmt.Sprintf("L  %d Hz", p.LeftHz), fmt.Sprintf("R  %d Hz", p.RightHz)}
	notes := [2]string{fmt.Sprintf("%d×%d", p.Width, p.Height), fmt.Sprintf("%d fps", p.Rate)}
	for i := range 2 {
		if err := c.plate(c.labels[i], labels[i]); err != nil {
			return err
		}
		if err := c.plate(c.notes[i], notes[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *card) plate(r image.Rectangle, text string) error {
	if r.Empty() {
		return nil
	}
	c.fill(r, grey(0))
	return drawText(c.img, c.fonts.text, text, 0.52*float64(r.Dy()), r.Inset(r.Dx()/20), grey(1))
}

// star is a Siemens star: wedges that meet in the middle; where they blur, resolution ends.
func (c *card) star(r image.Rectangle) {
	const wedges = 18
	centre := r.Min.Add(r.Max).Div(2)
	radius := float64(r.Dx()) / 2
	disc := c.mask(func(v *vector.Rasterizer) { circle(v, centre, radius) })
	draw.DrawMask(c.img, c.main, image.NewUniform(grey(1)), image.Point{}, disc, image.Point{}, draw.Over)
	dark := c.mask(func(v *vector.Rasterizer) {
		for i := range wedges {
			v.MoveTo(float32(centre.X), float32(centre.Y))
			for step := range 5 {
				turn := 2 * math.Pi * (float64(i) + float64(step)/8) / wedges
				v.LineTo(float32(float64(centre.X)+0.97*radius*math.Cos(turn)), float32(float64(centre.Y)+0.97*radius*math.Sin(turn)))
			}
			v.ClosePath()
		}
	})
	draw.DrawMask(c.img, c.main, image.NewUniform(grey(0)), image.Point{}, dark, image.Point{}, draw.Over)
}
