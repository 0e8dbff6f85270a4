package mediatest

import (
	"bytes"
	"encoding/binary"
)

// IVF is a film of two pictures of VP8.
func IVF() []byte {
	b := append([]byte("DKIF\x00\x00\x20\x00VP80"), 64, 0, 64, 0, 30, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0)
	for i := range byte(2) {
		b = append(b, 4, 0, 0, 0, i, 0, 0, 0, 0, 0, 0, 0, i, 1, 2, 3)
	}
	return b
}

// Ogg is two packets of Opus.
func Ogg() []byte {
	page := func(flags byte, granule uint64, lacing []byte, body ...byte) []byte {
		b := append([]byte("OggS\x00"), flags)
		b = binary.LittleEndian.AppendUint64(b, granule)
		b = append(append(b, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(lacing))), lacing...)
		return append(b, body...)
	}
	head := append([]byte("OpusHead\x01\x02"), 56, 1, 0x80, 0xbb, 0, 0, 0, 0, 0)
	return bytes.Join([][]byte{page(2, 0, []byte{19}, head...), page(0, 0, []byte{8}, []byte("OpusTags")...), page(4, 1920, []byte{2, 2}, 0xfc, 1, 0xfc, 2)}, nil)
}

// ByteStream is two pictures of H.264.
func ByteStream() []byte {
	return bytes.Join([][]byte{nil, SPS(), PPS(), {0x65, 0x88, 1}, {0x41, 0x9a, 2}}, []byte{0, 0, 0, 1})
}

// NALUnits are NAL units of H.264, named by their types, as a byte stream: by start codes of four bytes and of three.
func NALUnits(types ...byte) []byte {
	var b []byte
	for i, kind := range types {
		b = append(b, 0, 0, 0, 1)
		if i%2 == 1 {
			b = append(b[:len(b)-4], 0, 0, 1)
		}
		b = append(b, 0x60|kind, 0xAA, byte(i))
	}
	return b
}

// Element is an element of EBML with a size of 4 bytes.
func Element(id uint32, content ...[]byte) []byte {
	var b []byte
	for shift := 24; shift >= 0; shift -= 8 {
		if v := byte(id >> shift); v != 0 || len(b) > 0 {
			b = append(b, v)
		}
	}
	body := bytes.Join(content, nil)
	return append(append(b, 0x10|byte(len(body)>>24), byte(len(body)>>16), byte(len(body)>>8), byte(len(body))), body...)
}

// Laced is a file with one block of Opus in a lacing.
func Laced(lacing byte, rest ...byte) []byte {
	track := Element(0xAE, Element(0xD7, []byte{1}), Element(0x83, []byte{2}), Element(0x86, []byte("A_OPUS")))
	block := append([]byte{0x81, 0, 5, 0x80 | lacing<<1}, rest...)
	return bytes.Join([][]byte{
		Element(0x1A45DFA3, Element(0x4282, []byte("matroska"))),
		{0x18, 0x53, 0x80, 0x67, 0xff}, // a segment of unknown size
		Element(0x1654AE6B, track),
		{0x1F, 0x43, 0xB6, 0x75, 0xff},
		Element(0xE7, []byte{10}), Element(0xA3, block),
		{0x1F, 0x43, 0xB6, 0x75, 0xff},
		Element(0xE7, []byte{100}), Element(0xA0, Element(0xA1, []byte{0x81, 0, 0, 0, 0xfc, 9})),
	}, nil)
}
