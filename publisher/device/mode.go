//go:build cgo && linux

package device

import (
	"cmp"
	"math"
	"slices"

	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/prop"

	"weir/publisher"
)

// rawPixels is up to how large a picture the formats that need no decoding are preferred: 720p. Motion JPEG costs a
// third of a core there. Larger pictures hardly fit through a cable undecoded.
const rawPixels = 1280 * 720

// pick chooses the mode of a device that suits best. False: it has none that can be decoded.
func pick(modes []prop.Media, want publisher.VideoParams) (prop.Media, bool) {
	modes = slices.DeleteFunc(slices.Clone(modes), func(m prop.Media) bool { return !decodable(m) })
	if len(modes) == 0 {
		return prop.Media{}, false
	}
	return slices.MinFunc(modes, func(a, b prop.Media) int {
		return cmp.Or(
			cmp.Compare(price(a, want), price(b, want)),
			cmp.Compare(a.FrameFormat, b.FrameFormat),
			cmp.Compare(b.FrameRate, a.FrameRate),
		)
	}), true
}

func decodable(m prop.Media) bool {
	if m.Width < leastSide || m.Height < leastSide || m.Width > mostPixels/m.Height {
		return false
	}
	_, err := frame.NewDecoder(m.FrameFormat)
	return m.FrameFormat == frame.FormatRGBA || err == nil && m.FrameFormat != frame.FormatZ16 // depth is no picture
}

// price is how far a mode is from what is wanted; 0 is exactly that.
func price(m prop.Media, want publisher.VideoParams) float64 {
	pixels, wanted := float64(m.Width*m.Height), float64(want.Width*want.Height)
	covered := float64(min(m.Width, want.Width)*min(m.Height, want.Height)) / wanted
	p := 1.5 * (1 - covered) // what is not there must be invented
	if excess := pixels / wanted; excess > 1 {
		p += 0.2 * math.Log2(excess) // decoded to be thrown away
	}
	if m.Width*want.Height != m.Height*want.Width {
		p += 0.2 // black beside it
	}
	if rate := float64(m.FrameRate); rate > 0 {
		switch share := rate / float64(want.Rate); {
		case share < 0.98:
			p += 1 - share
		case share > 1.02:
			p += 0.05 * math.Log2(share)
		}
	}
	if compressed := m.FrameFormat == frame.FormatMJPEG; compressed == (pixels <= rawPixels) {
		p += 0.15
	}
	return p
}
