package pattern

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// fonts are the typefaces of the card, from the Go fonts.
type fonts struct {
	text, digits *opentype.Font
}

func loadFonts() (fonts, error) {
	text, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return fonts{}, fmt.Errorf("parse Go Bold: %w", err)
	}
	digits, err := opentype.Parse(gomonobold.TTF)
	if err != nil {
		return fonts{}, fmt.Errorf("parse Go Mono Bold: %w", err)
	}
	return fonts{text: text, digits: digits}, nil
}

func newFace(f *opentype.Font, pixels float64) (font.Face, error) {
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: max(pixels, 4), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("make a face of %.0f pixels: %w", pixels, err)
	}
	return face, nil
}

// drawText writes s in the middle of r, in the size that is asked for or the smaller one that fits its width.
func drawText(dst draw.Image, f *opentype.Font, s string, pixels float64, r image.Rectangle, c color.Color) error {
	face, err := newFace(f, pixels)
	if err != nil {
		return err
	}
	width := font.MeasureString(face, s)
	if room := fixed.I(r.Dx()); width > room {
		if face, err = newFace(f, pixels*float64(room)/float64(width)); err != nil {
			return err
		}
		width = font.MeasureString(face, s)
	}
	capital := face.Metrics().CapHeight
	d := font.Drawer{Dst: dst, Src: image.NewUniform(c), Face: face, Dot: fixed.Point26_6{
		X: fixed.I(r.Min.X) + (fixed.I(r.Dx())-width)/2,
		Y: fixed.I(r.Min.Y) + (fixed.I(r.Dy())+capital)/2,
	}}
	d.DrawString(s)
	return nil
}

// An atlas has the glyphs of text that changes with each picture, as luma on black and all of one width.
type atlas struct {
	width, height int
	glyphs        [128][]byte // by character; nil: not there
}

// atlasGlyphs are all that a clock, a date and a number need.
const atlasGlyphs = " 0123456789:.-+UTC"

// newAtlas draws the glyphs of a fixed-width font so that a character is about width pixels wide.
func newAtlas(f *opentype.Font, width float64) (*atlas, error) {
	const advance = 0.6 // of the Go Mono fonts, in ems
	face, err := newFace(f, width/advance)
	if err != nil {
		return nil, err
	}
	m := face.Metrics()
	a := &atlas{width: max(int(width), 3), height: (m.CapHeight + m.CapHeight/3).Ceil()}
	img := image.NewGray(image.Rect(0, 0, a.width, a.height))
	for _, c := range atlasGlyphs {
		draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: black}), image.Point{}, draw.Src)
		glyph := string(c)
		d := font.Drawer{Dst: img, Src: image.NewUniform(color.Gray{Y: white}), Face: face, Dot: fixed.Point26_6{
			X: (fixed.I(a.width) - font.MeasureString(face, glyph)) / 2,
			Y: (fixed.I(a.height) + m.CapHeight) / 2,
		}}
		d.DrawString(glyph)
		a.glyphs[c] = append([]byte(nil), img.Pix...)
	}
	return a, nil
}

// write puts text with its upper left corner at p, over what was there. What the atlas lacks is left out.
func (a *atlas) write(img *image.YCbCr, p image.Point, text []byte) {
	for _, c := range text {
		if g := a.glyphs[c&0x7f]; g != nil {
			for y := range a.height {
				copy(img.Y[(p.Y+y)*img.YStride+p.X:][:a.width], g[y*a.width:][:a.width])
			}
		}
		p.X += a.width
	}
}
