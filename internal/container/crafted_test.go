package container_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"

	"weir/internal/container"
	"weir/internal/media"
	"weir/internal/mediatest"
)

// manySamples is a fragment of 1 MiB that says to hold 65 million samples.
func manySamples() []byte {
	entry := mediatest.Box("stsd", mediatest.Numbers(0, 1), mediatest.Box("vp08", make([]byte, 78)))
	b := mediatest.OneTrack([][]byte{mediatest.MediaHead(), mediatest.Handler("vide"), mediatest.Box("minf", mediatest.Box("stbl", entry))},
		mediatest.Box("mvex", mediatest.Box("trex", mediatest.Numbers(0, 1, 1, 0, 0, 0))))
	run := bytes.Repeat(mediatest.Box("trun", mediatest.Numbers(0, 1024)), 99)
	part := mediatest.Box("traf", mediatest.Box("tfhd", mediatest.Numbers(0, 1)), run)
	return append(b, mediatest.Box("moof", bytes.Repeat(part, 1<<20/len(part)))...)
}

// oneMoment is a film of which a few bytes say that so many pictures, of a byte each, have one time.
func oneMoment(count uint32) []byte {
	entry := mediatest.Box("stsd", mediatest.Numbers(0, 1), mediatest.Box("vp08", make([]byte, 78)))
	return mediatest.OneTrack([][]byte{mediatest.MediaHead(), mediatest.Handler("vide"), mediatest.Box("minf", mediatest.Box("stbl", entry,
		mediatest.Box("stts", mediatest.Numbers(0, 1, count, 0)), mediatest.Box("stsc", mediatest.Numbers(0, 1, 1, count, 1)),
		mediatest.Box("stsz", mediatest.Numbers(0, 1, count)), mediatest.Box("stco", mediatest.Numbers(0, 1, 8))))})
}

// emptyPictures is a film of 100,000 pictures at one place, each 8 MiB that no decoder needs.
func emptyPictures() []byte {
	const size, count = 8 << 20, 100_000
	unit := append(binary.BigEndian.AppendUint32(nil, size-4), 6)
	b := mediatest.Box("mdat", unit, make([]byte, size-len(unit)))
	var chunks []byte
	for range count {
		chunks = binary.BigEndian.AppendUint32(chunks, 8)
	}
	film := mediatest.OneTrack([][]byte{mediatest.MediaHead(), mediatest.Handler("vide"), mediatest.Box("minf", mediatest.Box("stbl",
		mediatest.Box("stsd", mediatest.Numbers(0, 1), mediatest.Box("avc1", make([]byte, 78), mediatest.Box("avcC", mediatest.AVCC()))),
		mediatest.Box("stts", mediatest.Numbers(0, 1, count, 3000)), mediatest.Box("stsc", mediatest.Numbers(0, 1, 1, 1, 1)), mediatest.Box("stsz", mediatest.Numbers(0, size, count)),
		mediatest.Box("stco", mediatest.Numbers(0, count), chunks)))})
	return append(b, film...)
}

// Files that were made to harm are damaged ones.
func TestCraftedFiles(t *testing.T) {
	for name, b := range map[string][]byte{"two kinds": mediatest.TwoKinds(), "many samples": manySamples(), "empty pictures": emptyPictures(), "4,000 million pictures": oneMoment(4_000_000_000)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err := look(t.Context(), bytes.NewReader(b), int64(len(b)))
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, media.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if took > 30*time.Second { // with the race detector on a busy machine; without it is a tenth of a second
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
	for name, b := range map[string][]byte{"MP4": mediatest.MP4(false), "Matroska": mediatest.Laced(0, 0xfc, 1), "IVF": mediatest.IVF()} {
		for nth := range 12 {
			reads := 0
			_, err := look(t.Context(), readerAt(func(p []byte, at int64) (int, error) {
				if reads++; reads == nth+2 { // the first is not a reader's
					panic("index out of range")
				}
				return bytes.NewReader(b).ReadAt(p, at)
			}), int64(len(b)))
			if reads >= nth+2 && !errors.Is(err, media.ErrDamaged) {
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
	_, err := look(ctx, readerAt(func(p []byte, at int64) (int, error) {
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

// A doneContext is done after so many looks at it.
type doneContext struct {
	context.Context     //nolint:containedctx // it is one itself
	looks           int // -1: it is not done
}

func (c *doneContext) Err() error {
	if c.looks--; c.looks == -1 {
		return context.Canceled
	}
	return nil
}

// Going through tables, which are in memory, ends when its caller gives up too.
func TestSeekingEndsWithContext(t *testing.T) {
	b := oneMoment(5_000_000)
	ctx := &doneContext{Context: t.Context(), looks: -1}
	reader, err := container.Open(ctx, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	ctx.looks = 3
	if err := reader.Restart(time.Hour); !errors.Is(err, context.Canceled) || ctx.looks != -1 {
		t.Errorf("%v, %d looks later", err, 3-ctx.looks)
	}
}

// opusAndVideo is the head of a file whose picture never comes, up to the time of a cluster.
func opusAndVideo() []byte {
	sound := mediatest.Element(0xAE, mediatest.Element(0xD7, []byte{1}), mediatest.Element(0x83, []byte{2}), mediatest.Element(0x86, []byte("A_OPUS")))
	video := mediatest.Element(0xAE, mediatest.Element(0xD7, []byte{2}), mediatest.Element(0x83, []byte{1}), mediatest.Element(0x86, []byte("V_VP8")))
	return bytes.Join([][]byte{
		mediatest.Element(0x1A45DFA3, mediatest.Element(0x4282, []byte("matroska"))),
		{0x18, 0x53, 0x80, 0x67, 0xff},
		mediatest.Element(0x1654AE6B, sound, video),
		{0x1F, 0x43, 0xB6, 0x75, 0xff},
		mediatest.Element(0xE7, []byte{10}),
	}, nil)
}

// What is read ahead holds the units alone, not what stood around them in the file.
func TestReadAheadHoldsUnits(t *testing.T) {
	group := mediatest.Element(0xA0, mediatest.Element(0xEC, make([]byte, 1<<20)), mediatest.Element(0xA1, []byte{0x81, 0, 0, 0, 0xfc, 1}))
	b := append(opusAndVideo(), bytes.Repeat(group, 64)...)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := look(t.Context(), readerAt(func(p []byte, at int64) (int, error) {
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
	b := append(opusAndVideo(), append(empty, mediatest.Element(0xE7, []byte{20})...)...)
	b = append(b, mediatest.Element(0xA3, []byte{0x81, 0, 0, 0x80, 0xfc, 1})...)
	reads := 0
	err := seek(t.Context(), readerAt(func(p []byte, at int64) (int, error) {
		if reads++; reads > 100 {
			return 0, errors.New("the file is read again and again")
		}
		return bytes.NewReader(b).ReadAt(p, at)
	}), int64(len(b)), time.Hour)
	if err != nil {
		t.Error(err)
	}
}
