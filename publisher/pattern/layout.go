package pattern

import (
	"image"
	"math"
)

// layout says where things stand in a card. All of it follows from the picture's size.
type layout struct {
	size   image.Point
	main   image.Rectangle // above the strip of blocks
	centre image.Point     // of the ring
	radius float64         // of the ring's middle line
	line   float64         // thickness of the ring
	ball   float64         // radius of the ball

	flashes [2]image.Rectangle // left and right
	labels  [2]image.Rectangle // under the flashes
	stars   [2]image.Rectangle // above the flashes; empty where there is no room
	notes   [2]image.Rectangle // under the labels; empty where there is no room
}

func newLayout(width, height int) layout {
	l := layout{size: image.Pt(width, height)}
	l.main = image.Rect(0, 0, width, block(width, height, 0, 0).Min.Y)
	l.centre = image.Pt(width/2, l.main.Dy()/2)
	least := float64(min(width, l.main.Dy()))
	l.radius, l.line, l.ball = 0.455*least, math.Max(1.5, 0.009*least), 0.036*least
	l.side()
	return l
}

// side places what stands beside the ring: in columns where the picture is broad, in the corners where it is not.
func (l *layout) side() {
	h := float64(l.main.Dy())
	room := float64(l.centre.X) - l.radius - l.ball // left of the ring
	if room > 0.16*float64(l.size.X) {
		width := 0.62 * room
		for i := range 2 {
			middle := room * 0.5
			if i == 1 {
				middle = float64(l.size.X) - middle
			}
			at := func(top, bottom float64) image.Rectangle {
				return even(middle-width/2, top*h, middle+width/2, bottom*h)
			}
			star := math.Min(width, 0.24*h)
			l.stars[i] = even(middle-star/2, 0.18*h-star/2, middle+star/2, 0.18*h+star/2)
			l.flashes[i], l.labels[i], l.notes[i] = at(0.355, 0.645), at(0.70, 0.785), at(0.81, 0.895)
		}
		return
	}
	corner := 0.115 * float64(min(l.size.X, l.main.Dy()))
	if top := float64(l.centre.Y) - l.radius - l.ball; top > 2*corner {
		corner = math.Min(0.6*top, 0.3*float64(l.size.X)) // an upright picture: room above the ring
	}
	for i := range 2 {
		left := 0.25 * corner
		if i == 1 {
			left = float64(l.size.X) - 1.25*corner
		}
		l.flashes[i] = even(left, 0.25*corner, left+corner, 1.25*corner)
		bottom := h - 0.25*corner
		l.labels[i] = even(left, bottom-0.4*corner, left+corner, bottom)
	}
}

// even rounds to even pixels, so that chroma has the same edge.
func even(x0, y0, x1, y1 float64) image.Rectangle {
	r := func(v float64) int { return int(math.Round(v/2)) * 2 }
	return image.Rect(r(x0), r(y0), r(x1), r(y1))
}

// band is the part of the ring's inside between two heights, 0 its top and 1 its bottom, over the ring's full width.
func (l *layout) band(top, bottom float64) image.Rectangle {
	x, y, d := float64(l.centre.X)-l.radius, float64(l.centre.Y)-l.radius, 2*l.radius
	return even(x, y+top*d, x+d, y+bottom*d)
}

// chord narrows a band to the rectangle that lies wholly inside the ring.
func (l *layout) chord(r image.Rectangle) image.Rectangle {
	far := math.Max(math.Abs(float64(r.Min.Y-l.centre.Y)), math.Abs(float64(r.Max.Y-l.centre.Y)))
	half := math.Sqrt(math.Max(0, l.radius*l.radius-far*far))
	return even(float64(l.centre.X)-half, float64(r.Min.Y), float64(l.centre.X)+half, float64(r.Max.Y))
}

// Bands inside the ring, from the top down.
func (l *layout) nameBand() image.Rectangle     { return l.band(0, 0.185) }
func (l *layout) barsBand() image.Rectangle     { return l.band(0.185, 0.40) }
func (l *layout) clockBand() image.Rectangle    { return l.band(0.40, 0.59) }
func (l *layout) stairsBand() image.Rectangle   { return l.band(0.59, 0.665) }
func (l *layout) rampBand() image.Rectangle     { return l.band(0.665, 0.72) }
func (l *layout) gratingsBand() image.Rectangle { return l.band(0.72, 0.83) }
func (l *layout) countBand() image.Rectangle    { return l.band(0.83, 1) }
