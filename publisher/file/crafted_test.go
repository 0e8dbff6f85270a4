package file_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"

	"weir/publisher/file"
)

// craftedMP4 is a file of one track, with what follows its description.
func craftedMP4(mdia [][]byte, rest ...[]byte) []byte {
	track := mp4Box("trak", mp4Box("tkhd", numbers(7, 0, 0, 1), make([]byte, 68)), mp4Box("mdia", mdia...))
	moov := mp4Box("moov", append([][]byte{mp4Box("mvhd", numbers(0, 0, 0, 1000, 66), make([]byte, 80)), track}, rest...)...)
	return append(mp4Box("ftyp", []byte("isom"), numbers(0)), moov...)
}

func handler(kind string) []byte {
	return mp4Box("hdlr", numbers(0, 0), []byte(kind), make([]byte, 13))
}

func mediaHead() []byte { return mp4Box("mdhd", numbers(0, 0, 0, 90000, 6000, 0x55c40000)) }

// twoKinds is a track of VP8 that is a sound when it is described, and a picture afterwards.
func twoKinds() []byte {
	tables := mp4Box("minf", mp4Box("stbl", mp4Box("stsd", numbers(0, 1), mp4Box("vp08", make([]byte, 78))),
		mp4Box("stts", numbers(0, 1, 1, 3000)), mp4Box("stsc", numbers(0, 1, 1, 1, 1)), mp4Box("stsz", numbers(0, 4, 1)),
		mp4Box("stco", numbers(0, 1, 4))))
	return craftedMP4([][]byte{mediaHead(), handler("soun"), tables, handler("vide")})
}

// manySamples is a fragment of 1 MiB that says to hold 65 million samples.
func manySamples() []byte {
	entry := mp4Box("stsd", numbers(0, 1), mp4Box("vp08", make([]byte, 78)))
	b := craftedMP4([][]byte{mediaHead(), handler("vide"), mp4Box("minf", mp4Box("stbl", entry))},
		mp4Box("mvex", mp4Box("trex", numbers(0, 1, 1, 0, 0, 0))))
	run := bytes.Repeat(mp4Box("trun", numbers(0, 1024)), 99)
	part := mp4Box("traf", mp4Box("tfhd", numbers(0, 1)), run)
	return append(b, mp4Box("moof", bytes.Repeat(part, 1<<20/len(part)))...)
}

// emptyPictures is a film of 100,000 pictures at one place, each 8 MiB that no decoder needs.
func emptyPictures() []byte {
	const size, count = 8 << 20, 100_000
	unit := append(binary.BigEndian.AppendUint32(nil, size-4), 6)
	b := mp4Box("mdat", unit, make([]byte, size-len(unit)))
	avcC := bytes.Join([][]byte{{1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, byte(len(fuzzSPS))}, fuzzSPS, {1, 0, byte(len(fuzzPPS))}, fuzzPPS}, nil)
	var chunks []byte
	for range count {
		chunks = binary.BigEndian.AppendUint32(chunks, 8)
	}
	film := craftedMP4([][]byte{mediaHead(), handler("vide"), mp4Box("minf", mp4Box("stbl",
		mp4Box("stsd", numbers(0, 1), mp4Box("avc1", make([]byte, 78), mp4Box("avcC", avcC))),
		mp4Box("stts", numbers(0, 1, count, 3000)), mp4Box("stsc", numbers(0, 1, 1, 1, 1)), mp4Box("stsz", numbers(0, size, count)),
		mp4Box("stco", numbers(0, count), chunks)))})
	return append(b, film...)
}

// Files that were made to harm are damaged ones.
func TestCraftedFiles(t *testing.T) {
	for name, b := range map[string][]byte{"two kinds": twoKinds(), "many samples": manySamples(), "empty pictures": emptyPictures()} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err := file.ProbeBytes(t.Context(), b)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, file.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 300 {
			t.Errorf("%s: took %d MiB", name, n)
		}
		t.Logf("%s: %v, %d MiB: %v", name, took, (after.TotalAlloc-before.TotalAlloc)>>20, err)
	}
}

// readerAt is an io.ReaderAt.
type readerAt func(p []byte, at int64) (int, error)

func (r readerAt) ReadAt(p []byte, at int64) (int, error) { return r(p, at) }

// A file that its reader did not expect does not end the program.
func TestReaderPanics(t *testing.T) {
	for name, b := range map[string][]byte{"MP4": tinyMP4(false), "Matroska": laced(0, 0xfc, 1), "IVF": tinyIVF()} {
		for nth := range 12 {
			reads := 0
			_, err := file.ProbeAt(t.Context(), readerAt(func(p []byte, at int64) (int, error) {
				if reads++; reads == nth+2 { // the first is not a reader's
					panic("index out of range")
				}
				return bytes.NewReader(b).ReadAt(p, at)
			}), int64(len(b)))
			if reads >= nth+2 && !errors.Is(err, file.ErrDamaged) {
				t.Errorf("%s: read %d panics: %v", name, nth+2, err)
			}
		}
	}
}

// Going through a file ends when its caller gives up, also where no unit comes.
func TestReadingEndsWithContext(t *testing.T) {
	b := emptyPictures()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	large := 0
	_, err := file.ProbeAt(ctx, readerAt(func(p []byte, at int64) (int, error) {
		if len(p) == 8<<20 {
			large++
			cancel()
		}
		return bytes.NewReader(b).ReadAt(p, at)
	}), int64(len(b)))
	if !errors.Is(err, context.Canceled) || large != 1 {
		t.Errorf("%d pictures were read: %v", large, err)
	}
}

// opusAndVideo is the head of a file whose picture never comes, up to the time of a cluster.
func opusAndVideo() []byte {
	sound := el(0xAE, el(0xD7, []byte{1}), el(0x83, []byte{2}), el(0x86, []byte("A_OPUS")))
	video := el(0xAE, el(0xD7, []byte{2}), el(0x83, []byte{1}), el(0x86, []byte("V_VP8")))
	return bytes.Join([][]byte{
		el(0x1A45DFA3, el(0x4282, []byte("matroska"))),
		{0x18, 0x53, 0x80, 0x67, 0xff},
		el(0x1654AE6B, sound, video),
		{0x1F, 0x43, 0xB6, 0x75, 0xff},
		el(0xE7, []byte{10}),
	}, nil)
}

// What is read ahead holds the units alone, not what stood around them in the file.
func TestReadAheadHoldsUnits(t *testing.T) {
	group := el(0xA0, el(0xEC, make([]byte, 1<<20)), el(0xA1, []byte{0x81, 0, 0, 0, 0xfc, 1}))
	b := append(opusAndVideo(), bytes.Repeat(group, 64)...)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := file.ProbeAt(t.Context(), readerAt(func(p []byte, at int64) (int, error) {
		if at+int64(len(p)) == int64(len(b)) { // the last of it
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		return bytes.NewReader(b).ReadAt(p, at)
	}), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(b)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); after.HeapAlloc == 0 || held > 16<<20 {
		t.Errorf("64 packets hold %d KiB", held>>10)
	}
}

// A time that stands behind its cluster does not lead back to it.
func TestSeekGoesOnForwards(t *testing.T) {
	empty := []byte{0x1F, 0x43, 0xB6, 0x75, 0x80} // a cluster of no bytes
	b := append(opusAndVideo(), append(empty, el(0xE7, []byte{20})...)...)
	b = append(b, el(0xA3, []byte{0x81, 0, 0, 0x80, 0xfc, 1})...)
	reads := 0
	err := file.Seek(t.Context(), readerAt(func(p []byte, at int64) (int, error) {
		if reads++; reads > 100 {
			return 0, errors.New("the file is read again and again")
		}
		return bytes.NewReader(b).ReadAt(p, at)
	}), int64(len(b)), time.Hour)
	if err != nil {
		t.Error(err)
	}
}
