package pattern

import (
	"image"
	"image/color"
	"time"
)

// A Notice is a still picture that says something in two lines. It may be used from many goroutines.
type Notice struct{ img *image.YCbCr }

// NewNotice draws one; that takes some 50 ms for 720p. Width and height are even.
func NewNotice(width, height int, headline, detail string) (*Notice, error) {
	f, err := loadFonts()
	if err != nil {
		return nil, err
	}
	c := &card{img: image.NewRGBA(image.Rect(0, 0, width, height))}
	c.fill(c.img.Rect, color.RGBA{R: 20, G: 24, B: 26, A: 255})
	for _, line := range []struct {
		text        string
		middle, cap int // in hundredths of the height
		colour      color.RGBA
	}{
		{headline, 40, 7, grey(0.75)},
		{detail, 56, 14, grey(1)},
		{"WEIR", 92, 4, color.RGBA{R: 255, G: 158, B: 44, A: 255}},
	} {
		middle := height * line.middle / 100
		r := image.Rect(width/20, middle-height/20, width-width/20, middle+height/20)
		if err := drawText(c.img, f.text, line.text, float64(height*line.cap)/100, r, line.colour); err != nil {
			return nil, err
		}
	}
	return &Notice{img: toYCbCr(c.img)}, nil
}

// Draw returns the picture, which is not to be written to.
func (n *Notice) Draw(int64, time.Time) *image.YCbCr { return n.img }
