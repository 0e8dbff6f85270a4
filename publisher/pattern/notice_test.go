package pattern_test

import (
	"image"
	"testing"
	"time"

	"weir/publisher/pattern"
)

// A notice says what it is told, in the middle, and nothing at its edges.
func TestNotice(t *testing.T) {
	t.Parallel()
	const width, height = 640, 360
	draw := func(detail string) *image.YCbCr {
		n, err := pattern.NewNotice(width, height, "Waiting for", detail)
		if err != nil {
			t.Fatal(err)
		}
		return n.Draw(0, time.Time{})
	}
	img, other := draw("lobby"), draw("a-very-long-name-that-does-not-fit-into-the-picture-at-full-size")
	if img.Rect != image.Rect(0, 0, width, height) {
		t.Errorf("it is %v", img.Rect)
	}
	differ := false
	for y := range height {
		for x := range width {
			at := img.YOffset(x, y)
			differ = differ || img.Y[at] != other.Y[at]
			if edge := x < 30 || x >= width-30; edge && other.Y[at] > 60 {
				t.Fatalf("text at %d, %d", x, y)
			}
		}
	}
	if !differ {
		t.Error("another text is the same picture")
	}
}
