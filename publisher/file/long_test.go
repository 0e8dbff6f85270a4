//go:build !race

package file_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"weir/internal/mediatest"
	"weir/stream"
)

// What the long film has: two hours of 30 pictures a second and of 50 packets of sound, in 4 GiB with holes.
const (
	longSeconds  = 2 * 60 * 60
	longPictures = longSeconds * 30
	longSounds   = longSeconds * 50
	longPicture  = 19_800 // bytes, and some more
	longSound    = 80
	longReal     = 600 // pictures that are more than a hole
)

// longFilm writes the film. Only the first seconds hold pictures; the tables are those of all of it.
func longFilm(tb testing.TB, dir string) string {
	tb.Helper()
	const mdat = 4096
	size := func(i int) uint32 { return longPicture + uint32(i%7) }
	var sizes, chunks, soundChunks, keys []byte
	at := int64(mdat)
	f, err := os.Create(filepath.Join(dir, "long.mp4"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }() // what matters was checked
	for i := range longPictures {
		sizes = binary.BigEndian.AppendUint32(sizes, size(i))
		chunks = binary.BigEndian.AppendUint64(chunks, uint64(at))
		kind := byte(0x41)
		if i%60 == 0 {
			keys = binary.BigEndian.AppendUint32(keys, uint32(i+1))
			kind = 0x65
		}
		if i < longReal {
			unit := append(binary.BigEndian.AppendUint32(nil, size(i)-4), kind, 0x88)
			for len(unit) < int(size(i)) {
				unit = append(unit, byte(len(unit))|1)
			}
			if _, err := f.WriteAt(unit, at); err != nil {
				tb.Fatal(err)
			}
		}
		at += int64(size(i))
	}
	sound := make([]byte, longSound)
	sound[0] = 0xfc
	for i := range longSounds {
		if i%50 == 0 {
			soundChunks = binary.BigEndian.AppendUint64(soundChunks, uint64(at))
		}
		if i < longReal {
			if _, err := f.WriteAt(sound, at); err != nil {
				tb.Fatal(err)
			}
		}
		at += longSound
	}
	trak := func(id, rate uint32, kind string, entry []byte, tables ...[]byte) []byte {
		return mediatest.Box("trak", mediatest.Box("tkhd", mediatest.Numbers(7, 0, 0, id), make([]byte, 68)), mediatest.Box("mdia",
			mediatest.Box("mdhd", mediatest.Numbers(0, 0, 0, rate, 0, 0x55c40000)), mediatest.Box("hdlr", mediatest.Numbers(0, 0), []byte(kind), make([]byte, 13)),
			mediatest.Box("minf", mediatest.Box("stbl", append([][]byte{mediatest.Box("stsd", mediatest.Numbers(0, 1), entry)}, tables...)...))))
	}
	moov := mediatest.Box("moov", mediatest.Box("mvhd", mediatest.Numbers(0, 0, 0, 1000, 0), make([]byte, 80)),
		trak(1, 90000, "vide", mediatest.Box("avc1", make([]byte, 78), mediatest.Box("avcC", mediatest.AVCC())),
			mediatest.Box("stts", mediatest.Numbers(0, 1, longPictures, 3000)), mediatest.Box("stsc", mediatest.Numbers(0, 1, 1, 1, 1)),
			mediatest.Box("stsz", mediatest.Numbers(0, 0, longPictures), sizes), mediatest.Box("co64", mediatest.Numbers(0, longPictures), chunks),
			mediatest.Box("stss", mediatest.Numbers(0, uint32(len(keys)/4)), keys)),
		trak(2, 48000, "soun", mediatest.Box("Opus", make([]byte, 28), mediatest.Box("dOps", []byte{0, 2, 1, 56, 0, 0, 0xbb, 0x80, 0, 0, 0})),
			mediatest.Box("stts", mediatest.Numbers(0, 1, longSounds, 960)), mediatest.Box("stsc", mediatest.Numbers(0, 1, 1, 50, 1)),
			mediatest.Box("stsz", mediatest.Numbers(0, longSound, longSounds)), mediatest.Box("co64", mediatest.Numbers(0, longSounds/50), soundChunks)))
	head := append(mediatest.Box("ftyp", []byte("isom"), mediatest.Numbers(0)), mediatest.Box("free", make([]byte, mdat-16-16-8))...)
	head = append(append(head, 0, 0, 0, 1), "mdat"...)
	head = binary.BigEndian.AppendUint64(head, uint64(at-(mdat-16)))
	if _, err := f.WriteAt(head, 0); err != nil {
		tb.Fatal(err)
	}
	if _, err := f.WriteAt(moov, at); err != nil {
		tb.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() < 4<<30 {
		tb.Fatalf("the film has %d bytes: %v", info.Size(), err)
	}
	return f.Name()
}

// playLong says how soon the film's first picture is at a viewer, and what the source holds on the heap while it plays.
func playLong(tb testing.TB, dir string) (start time.Duration, heap uint64) {
	tb.Helper()
	registry := stream.New(stream.Options{Workers: 1})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { _ = registry.Run(ctx) })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	source, err := newSource(dir, map[string]any{"file": "long.mp4"})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := registry.Publish("long", "us", source.Specs())
	if err != nil {
		tb.Fatal(err)
	}
	v, err := p.Stream().AddViewer(p.Tracks()[:1])
	if err != nil {
		tb.Fatal(err)
	}
	defer v.Close()
	r := &recorder{arrived: make(chan struct{})}
	v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
	v.Start()
	running.Go(func() {
		if err := source.Run(ctx, p); err != nil {
			tb.Error(err)
		}
	})
	select {
	case <-r.arrived:
	case <-time.After(20 * time.Second):
		tb.Fatal("nothing comes")
	}
	start = time.Since(began)
	for range 5 { // while it plays
		time.Sleep(100 * time.Millisecond)
		runtime.GC()
		runtime.ReadMemStats(&after)
		heap = max(heap, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))
	}
	cancel() // before the publication's end, which would be an error to a source that still plays
	running.Wait()
	p.Close("ended")
	return start, heap
}

// Two hours in 4 GiB begin at once, and their tables take little.
func TestLongFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a file with holes is made on Linux")
	}
	dir := t.TempDir()
	longFilm(t, dir)
	start, heap := playLong(t, dir)
	t.Logf("first packet after %v, %.1f MiB of heap", start, float64(heap)/(1<<20))
	if start > 900*time.Millisecond {
		t.Errorf("the first packet comes after %v", start)
	}
	if heap > 40<<20 {
		t.Errorf("%d MiB of heap", heap>>20)
	}
}

// BenchmarkLongFile is TestLongFile with figures: milliseconds to the first packet, MiB of heap while it plays.
func BenchmarkLongFile(b *testing.B) {
	dir := b.TempDir()
	longFilm(b, dir)
	var start time.Duration
	var heap uint64
	for b.Loop() {
		s, h := playLong(b, dir)
		start, heap = max(start, s), max(heap, h)
	}
	b.ReportMetric(float64(start)/1e6, "ms-to-first-packet")
	b.ReportMetric(float64(heap)/(1<<20), "MiB-heap")
}
