package file_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"weir/publisher/file"
)

// However the bytes of a file were damaged, reading it ends, and with nothing but an end or an error that says so.
func FuzzMatroska(f *testing.F) {
	f.Add(laced(0, 0xfc, 1))
	f.Add(laced(1, 1, 200, 0xfc))
	f.Add(laced(2, 2, 0xfc, 1, 0xfc, 2, 0xfc, 3))
	f.Add(laced(3, 2, 0x41, 0x2C, 0x5F, 0xD5, 0xfc))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := file.ReadMatroska(t.Context(), onlyReader{bytes.NewReader(b)})
		for err == nil {
			_, err = m.Next()
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, file.ErrDamaged) {
			t.Error(err)
		}
	})
}

var (
	fuzzSPS = []byte{0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5}
	fuzzPPS = []byte{0x68, 0xce, 0x3c, 0x80}
)

// tinyMP4 is a film of two pictures, with the tables or with a fragment.
func tinyMP4(fragmented bool) []byte {
	units := append(append(numbers(5), 0x65, 0x88, 1, 2, 3), append(numbers(5), 0x41, 0x9a, 1, 2, 3)...)
	avcC := bytes.Join([][]byte{{1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, byte(len(fuzzSPS))}, fuzzSPS, {1, 0, byte(len(fuzzPPS))}, fuzzPPS}, nil)
	entry := mp4Box("avc1", make([]byte, 78), mp4Box("avcC", avcC))
	tables := [][]byte{mp4Box("stsd", numbers(0, 1), entry)}
	var rest []byte
	ftyp := mp4Box("ftyp", []byte("isom"), numbers(0))
	if fragmented {
		moof := func(offset uint32) []byte {
			return mp4Box("moof", mp4Box("mfhd", numbers(0, 1)), mp4Box("traf",
				mp4Box("tfhd", numbers(0x020000, 1)), mp4Box("tfdt", numbers(0, 0)),
				mp4Box("trun", numbers(0x000301, 2, offset, 3000, 9, 3000, 9))))
		}
		rest = moof(uint32(len(moof(0)) + 8))
	} else {
		tables = append(tables, mp4Box("stts", numbers(0, 1, 2, 3000)), mp4Box("stsc", numbers(0, 1, 1, 2, 1)),
			mp4Box("stsz", numbers(0, 0, 2, 9, 9)), mp4Box("stco", numbers(0, 1, uint32(len(ftyp)+8))), mp4Box("stss", numbers(0, 1, 1)))
	}
	track := mp4Box("trak",
		mp4Box("tkhd", numbers(7, 0, 0, 1), make([]byte, 68)),
		mp4Box("mdia", mp4Box("mdhd", numbers(0, 0, 0, 90000, 6000, 0x55c40000)), mp4Box("hdlr", numbers(0, 0), []byte("vide"), make([]byte, 13)),
			mp4Box("minf", mp4Box("stbl", tables...))))
	moov := mp4Box("moov", mp4Box("mvhd", numbers(0, 0, 0, 1000, 66), make([]byte, 80)), track)
	if fragmented {
		moov = mp4Box("moov", mp4Box("mvhd", numbers(0, 0, 0, 1000, 0), make([]byte, 80)), track, mp4Box("mvex", mp4Box("trex", numbers(0, 1, 1, 0, 0, 0))))
		return bytes.Join([][]byte{ftyp, moov, rest, mp4Box("mdat", units)}, nil)
	}
	return bytes.Join([][]byte{ftyp, mp4Box("mdat", units), moov}, nil)
}

func tinyIVF() []byte {
	b := append([]byte("DKIF\x00\x00\x20\x00VP80"), 64, 0, 64, 0, 30, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0)
	for i := range byte(2) {
		b = append(b, 4, 0, 0, 0, i, 0, 0, 0, 0, 0, 0, 0, i, 1, 2, 3)
	}
	return b
}

func tinyOgg() []byte {
	page := func(flags byte, granule uint64, lacing []byte, body ...byte) []byte {
		b := append([]byte("OggS\x00"), flags)
		b = binary.LittleEndian.AppendUint64(b, granule)
		b = append(append(b, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(lacing))), lacing...)
		return append(b, body...)
	}
	head := append([]byte("OpusHead\x01\x02"), 56, 1, 0x80, 0xbb, 0, 0, 0, 0, 0)
	return bytes.Join([][]byte{page(2, 0, []byte{19}, head...), page(0, 0, []byte{8}, []byte("OpusTags")...), page(4, 1920, []byte{2, 2}, 0xfc, 1, 0xfc, 2)}, nil)
}

func tinyStream() []byte {
	return bytes.Join([][]byte{nil, fuzzSPS, fuzzPPS, {0x65, 0x88, 1}, {0x41, 0x9a, 2}}, []byte{0, 0, 0, 1})
}

// Whatever stands in a file, the probe ends with a report, or with an error that says what is wrong.
func FuzzFile(f *testing.F) {
	for _, b := range [][]byte{tinyMP4(false), tinyMP4(true), tinyIVF(), tinyOgg(), tinyStream(), laced(0, 0xfc, 1), twoKinds()} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := file.ProbeBytes(t.Context(), b); err != nil && !errors.Is(err, file.ErrDamaged) && !errors.Is(err, file.ErrUnsupported) {
			t.Error(err)
		}
	})
}

// The seeds are files that play: else the fuzzer would begin far from what it is to reach.
func TestSeeds(t *testing.T) {
	for name, b := range map[string][]byte{
		"MP4": tinyMP4(false), "fragmented MP4": tinyMP4(true), "IVF": tinyIVF(), "Ogg": tinyOgg(), "H264 byte stream": tinyStream(), "Matroska": laced(0, 0xfc, 1),
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := probe(t, path); err != nil || !r.Playable || r.Container != name {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
