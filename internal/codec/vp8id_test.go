package codec_test

import (
	"encoding/hex"
	"testing"

	"weir/internal/codec"
)

func TestVP8ID(t *testing.T) {
	for _, row := range []struct {
		payload string
		read    codec.VP8ID
		write   codec.VP8ID
		want    string
	}{
		{"10aabb", codec.VP8ID{}, codec.VP8ID{Bits: 15, Picture: 0x1234}, "90809234aabb"},
		{"10aabb", codec.VP8ID{}, codec.VP8ID{Bits: 7, Picture: 0x34}, "908034aabb"},
		{"10aabb", codec.VP8ID{}, codec.VP8ID{}, "10aabb"},
		{"908017aa", codec.VP8ID{Bits: 7, Picture: 0x17}, codec.VP8ID{Bits: 15, Picture: 1}, "90808001aa"},
		{"90809234aa", codec.VP8ID{Bits: 15, Picture: 0x1234}, codec.VP8ID{}, "10aa"},
		{"90f092340512aa", codec.VP8ID{Bits: 15, Picture: 0x1234, Layered: true, TL0: 5}, codec.VP8ID{Bits: 15, Picture: 7, Layered: true, TL0: 9}, "90f080070912aa"},
		{"90f092340512aa", codec.VP8ID{Bits: 15, Picture: 0x1234, Layered: true, TL0: 5}, codec.VP8ID{}, "90700512aa"},
		{"904007aa", codec.VP8ID{Layered: true, TL0: 7}, codec.VP8ID{Bits: 7, Picture: 1, Layered: true, TL0: 8}, "90c00108aa"},
	} {
		payload := unhex(t, row.payload)
		if got, ok := codec.ReadVP8ID(payload); !ok || got != row.read {
			t.Errorf("%s: read %+v", row.payload, got)
		}
		if got := hex.EncodeToString(codec.WithVP8ID(payload, row.write)); got != row.want {
			t.Errorf("%s with %+v: %s, want %s", row.payload, row.write, got, row.want)
		}
		if hex.EncodeToString(payload) != row.payload {
			t.Errorf("%s: changed in place", row.payload)
		}
	}
	for _, cut := range []string{"", "90", "9080", "908080", "90f0801205"[:8]} {
		payload := unhex(t, cut)
		if id, ok := codec.ReadVP8ID(payload); ok {
			t.Errorf("%q: %+v", cut, id)
		}
		if got := codec.WithVP8ID(payload, codec.VP8ID{Bits: 15}); hex.EncodeToString(got) != cut {
			t.Errorf("%q became %x", cut, got)
		}
	}
}

// What is written is read again, and the rest of the payload stays.
func FuzzVP8ID(f *testing.F) {
	for _, seed := range []string{"10aabb", "908017aa", "90809234aa", "90f092340512aa", "904007aa", "9080", ""} {
		f.Add(unhex(f, seed), uint8(15), uint16(77))
	}
	f.Fuzz(func(t *testing.T, payload []byte, bits uint8, picture uint16) {
		before, ok := codec.ReadVP8ID(payload)
		if !ok {
			return
		}
		want := before
		switch bits {
		case 7:
			want.Bits, want.Picture = 7, picture&0x7f
		case 15:
			want.Bits, want.Picture = 15, picture&0x7fff
		default:
			want.Bits, want.Picture = 0, 0
		}
		out := codec.WithVP8ID(payload, want)
		if got, ok := codec.ReadVP8ID(out); !ok || got != want {
			t.Fatalf("%x with %+v: %x reads %+v", payload, want, out, got)
		}
		if again := codec.WithVP8ID(out, before); codec.KeyFrameStart("VP8", again) != codec.KeyFrameStart("VP8", payload) {
			t.Fatalf("%x came back as %x", payload, again)
		}
	})
}
