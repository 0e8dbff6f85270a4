package mediatest

import (
	"bytes"
	"encoding/binary"
)

// Box is a box of MP4.
func Box(name string, content ...[]byte) []byte {
	body := bytes.Join(content, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), name...), body...)
}

// Numbers are big-endian ones of 32 bits.
func Numbers(all ...uint32) []byte {
	var b []byte
	for _, n := range all {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// SPS and PPS are parameter sets of H.264.
func SPS() []byte { return []byte{0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5} }

// PPS is the other.
func PPS() []byte { return []byte{0x68, 0xce, 0x3c, 0x80} }

// AVCC is what MP4 says of H.264 with these.
func AVCC() []byte {
	return bytes.Join([][]byte{{1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, byte(len(SPS()))}, SPS(), {1, 0, byte(len(PPS()))}, PPS()}, nil)
}

// MP4 is a film of two pictures, with the tables or with a fragment.
func MP4(fragmented bool) []byte {
	units := append(append(Numbers(5), 0x65, 0x88, 1, 2, 3), append(Numbers(5), 0x41, 0x9a, 1, 2, 3)...)
	entry := Box("avc1", make([]byte, 78), Box("avcC", AVCC()))
	tables := [][]byte{Box("stsd", Numbers(0, 1), entry)}
	var rest []byte
	ftyp := Box("ftyp", []byte("isom"), Numbers(0))
	if fragmented {
		moof := func(offset uint32) []byte {
			return Box("moof", Box("mfhd", Numbers(0, 1)), Box("traf",
				Box("tfhd", Numbers(0x020000, 1)), Box("tfdt", Numbers(0, 0)),
				Box("trun", Numbers(0x000301, 2, offset, 3000, 9, 3000, 9))))
		}
		rest = moof(uint32(len(moof(0)) + 8))
	} else {
		tables = append(tables, Box("stts", Numbers(0, 1, 2, 3000)), Box("stsc", Numbers(0, 1, 1, 2, 1)),
			Box("stsz", Numbers(0, 0, 2, 9, 9)), Box("stco", Numbers(0, 1, uint32(len(ftyp)+8))), Box("stss", Numbers(0, 1, 1)))
	}
	track := Box("trak",
		Box("tkhd", Numbers(7, 0, 0, 1), make([]byte, 68)),
		Box("mdia", Box("mdhd", Numbers(0, 0, 0, 90000, 6000, 0x55c40000)), Box("hdlr", Numbers(0, 0), []byte("vide"), make([]byte, 13)),
			Box("minf", Box("stbl", tables...))))
	moov := Box("moov", Box("mvhd", Numbers(0, 0, 0, 1000, 66), make([]byte, 80)), track)
	if fragmented {
		moov = Box("moov", Box("mvhd", Numbers(0, 0, 0, 1000, 0), make([]byte, 80)), track, Box("mvex", Box("trex", Numbers(0, 1, 1, 0, 0, 0))))
		return bytes.Join([][]byte{ftyp, moov, rest, Box("mdat", units)}, nil)
	}
	return bytes.Join([][]byte{ftyp, Box("mdat", units), moov}, nil)
}

// OneTrack is an MP4 of one track, with what follows its description.
func OneTrack(mdia [][]byte, rest ...[]byte) []byte {
	track := Box("trak", Box("tkhd", Numbers(7, 0, 0, 1), make([]byte, 68)), Box("mdia", mdia...))
	moov := Box("moov", append([][]byte{Box("mvhd", Numbers(0, 0, 0, 1000, 66), make([]byte, 80)), track}, rest...)...)
	return append(Box("ftyp", []byte("isom"), Numbers(0)), moov...)
}

// Handler says whether a track is "vide" or "soun".
func Handler(kind string) []byte {
	return Box("hdlr", Numbers(0, 0), []byte(kind), make([]byte, 13))
}

// MediaHead says that a track counts 90,000 ticks a second.
func MediaHead() []byte { return Box("mdhd", Numbers(0, 0, 0, 90000, 6000, 0x55c40000)) }

// TwoKinds is a track of VP8 that is a sound when it is described, and a picture afterwards.
func TwoKinds() []byte {
	tables := Box("minf", Box("stbl", Box("stsd", Numbers(0, 1), Box("vp08", make([]byte, 78))),
		Box("stts", Numbers(0, 1, 1, 3000)), Box("stsc", Numbers(0, 1, 1, 1, 1)), Box("stsz", Numbers(0, 4, 1)),
		Box("stco", Numbers(0, 1, 4))))
	return OneTrack([][]byte{MediaHead(), Handler("soun"), tables, Handler("vide")})
}
