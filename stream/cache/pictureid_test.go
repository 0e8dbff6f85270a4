package cache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
	"weir/stream/cache"
)

// Picture ids of VP8 go on over a take-over, in the form that they had, whatever
// the new source's are; those of the first are left as they are.
func TestPictureIDsGoOn(t *testing.T) {
	vp8 := codec.Format{Name: codec.VP8, ClockRate: 90000}
	for _, forms := range [][]uint8{{15, 15, 7, 0}, {7, 15}, {0, 15}} {
		s := newSource(t, vp8)
		var want []string
		id := uint16(100)
		for n, bits := range forms {
			if n > 0 {
				s.track.Begin(vp8, cache.ExtensionIDs{})
			}
			for frame := range uint16(3) {
				ts := uint32(1000*n) + 3000*uint32(frame)
				for part := range byte(2) {
					body := []byte{0x10, byte(frame), part}
					if part > 0 {
						body[0] = 0
					}
					own := codec.VP8ID{Bits: bits, Picture: id}
					if n > 0 {
						own.Picture = 7 + frame
					}
					s.put(cache.Taken, 100*uint16(n)+2*frame+uint16(part), ts, codec.WithVP8ID(body, own)...)
					w := fmt.Sprintf("%d bits", forms[0])
					if forms[0] > 0 {
						w += fmt.Sprint(" ", id)
					}
					want = append(want, w)
				}
				id++
				s.now = s.now.Add(time.Second / 30)
			}
		}
		var got []string
		for _, p := range s.held() {
			id, ok := codec.ReadVP8ID(p.Payload)
			g := fmt.Sprintf("%d bits", id.Bits)
			if id.Bits > 0 {
				g += fmt.Sprint(" ", id.Picture)
			}
			if !ok {
				g = "none"
			}
			got = append(got, g)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("forms %v: %s", forms, d)
		}
	}
}
