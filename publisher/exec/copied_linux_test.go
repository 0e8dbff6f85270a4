package exec

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"weir/internal/codec"
	"weir/internal/mediatest"
	"weir/stream"
)

// slices264 are the pieces of pictures that a stage's track of H.264 has had.
type slices264 struct {
	mu sync.Mutex
	// guarded by mu
	depacketizer codecs.H264Packet
	all          [][]byte
}

// watches keeps the slices of a stage from now on, until the test ends.
func watches(t *testing.T, s *stage) *slices264 {
	t.Helper()
	kept := &slices264{}
	for _, track := range s.pub.Tracks() {
		if track.Kind() == codec.Video {
			t.Cleanup(track.Observe(kept.take))
		}
	}
	return kept
}

func (k *slices264) take(_ *stream.Publication, _ time.Time, pkt *rtp.Packet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b, err := k.depacketizer.Unmarshal(pkt.Payload)
	if err != nil {
		return
	}
	for unit := range codec.NALUnits(b) {
		if kind := unit[0] & 0x1f; kind == 1 || kind == 5 { // ITU-T H.264 table 7-1
			k.all = append(k.all, bytes.Clone(unit))
		}
	}
}

// of returns how many of the slices are those of a film, and how many there are.
func (k *slices264) of(t *testing.T, path string) (same, all int) {
	t.Helper()
	whole := mediatest.FFmpeg(t, "-i", path, "-c:v", "copy", "-bsf:v", "h264_mp4toannexb", "-an", "-f", "h264", "pipe:1")
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, unit := range k.all {
		if bytes.Contains(whole, unit) {
			same++
		}
	}
	return same, len(k.all)
}
