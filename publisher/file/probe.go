package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"weir/internal/codec"
	"weir/internal/container"
	"weir/internal/media"
)

// How much of a file a probe reads: enough for some key frames, never more than a moment.
const (
	probeMedia = 15 * time.Second // of the file
	probeUnits = 1500
	probeBytes = 24 << 20
	probeFor   = 2 * time.Second // of ours
)

// A Report says what is in a file, and what of it can be played. Times are in milliseconds.
type Report struct {
	Container string        `json:"container"`
	Size      int64         `json:"size"`        // bytes
	Duration  float64       `json:"duration_ms"` // 0: not known
	Tracks    []TrackReport `json:"tracks"`
	// KeyFrameInterval is the longest distance between key frames in what was read; 0: there was one only.
	KeyFrameInterval float64 `json:"key_frame_interval_ms"`
	BFrames          bool    `json:"b_frames"`
	AAC              bool    `json:"aac"`
	// Playable says that something of the file can be played, as it is or by way of FFmpeg where one is installed; Problem
	// why that is not so, with the remedy.
	Playable bool   `json:"playable"`
	Problem  string `json:"problem,omitempty"`
	// Warnings are what of the file is left out or plays badly, each with the remedy.
	Warnings []string `json:"warnings"`
}

// A TrackReport says what is in one track.
type TrackReport struct {
	Kind      string  `json:"kind"` // "video" or "audio"
	Codec     string  `json:"codec"`
	Profile   string  `json:"profile,omitempty"`
	Language  string  `json:"language,omitempty"`
	Width     int     `json:"width,omitempty"`
	Height    int     `json:"height,omitempty"`
	FrameRate float64 `json:"frame_rate,omitempty"`
	Channels  int     `json:"channels,omitempty"`
	Rate      int     `json:"rate,omitempty"`     // Hz
	BitRate   int     `json:"bit_rate,omitempty"` // bits a second, in what was read
	Playable  bool    `json:"playable"`
}

// openIn opens a regular file; neither a pipe nor a device blocks it.
func openIn(root *os.Root, path string) (*os.File, error) {
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close() // nothing was done with it
		return nil, fmt.Errorf("%w: it is no regular file", media.ErrUnsupported)
	}
	return f, nil
}

// sizeOf is how many bytes a file has; only a regular one is media.
func sizeOf(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%w: it is no regular file", media.ErrUnsupported)
	}
	return info.Size(), nil
}

// Probe looks into a file: its headers, and the media of its first seconds. It does not close the file. It takes two seconds
// at most, and memory within bounds whatever the file claims. The error wraps media.ErrDamaged or media.ErrUnsupported where the file is
// the cause; a file that is damaged further behind is found out only when it is played. Where converts is set an FFmpeg plays
// what cannot be played as it is.
func Probe(ctx context.Context, f *os.File, converts bool) (Report, error) {
	size, err := sizeOf(f)
	if err != nil {
		return Report{}, err
	}
	return probeAt(ctx, f.Name(), f, size, converts)
}

// probeAt is Probe of so many bytes.
func probeAt(ctx context.Context, name string, r io.ReaderAt, size int64, converts bool) (Report, error) {
	d, err := container.Open(ctx, r, size)
	if err != nil {
		return Report{}, err
	}
	about := d.About()
	s := newPreview(about)
	if err := s.read(ctx, d, probeUnits); err != nil {
		return Report{}, err
	}
	found := s.report(about, size)
	found.judge(verdict{name: name, tracks: about.Tracks, converts: converts}, s.keys)
	return found, nil
}

// A preview is what the units of a file's beginning say.
type preview struct {
	tracks  []trackPreview
	video   int // the track to play; -1: none
	keys    int
	lastKey time.Duration
	longest time.Duration // between key frames
	whole   bool          // the end was reached
	bframes bool
}

// A trackPreview is the same of one track.
type trackPreview struct {
	units, bytes int
	first, last  time.Duration
	lasts        time.Duration // of the last unit
}

func newPreview(about media.Info) *preview {
	s := &preview{tracks: make([]trackPreview, len(about.Tracks))}
	if s.video, _ = media.Choose(about.Tracks); s.video >= 0 {
		s.bframes = about.Tracks[s.video].Reorders
	}
	return s
}

// read takes the units of the first seconds, at most so many.
func (s *preview) read(ctx context.Context, d demuxer, most int) error {
	until := time.Now().Add(probeFor)
	bytes := 0
	for units := 0; units < most && bytes < probeBytes && time.Now().Before(until); units++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		u, err := d.Next()
		if errors.Is(err, io.EOF) {
			s.whole = true
			return nil
		}
		if err != nil {
			return err
		}
		bytes += len(u.Data)
		s.unit(u)
		if u.PTS-s.tracks[u.Track].first > probeMedia {
			return nil
		}
	}
	return nil
}

func (s *preview) unit(u media.Unit) {
	t := &s.tracks[u.Track]
	if t.units == 0 {
		t.first, t.last = u.PTS, u.PTS
	}
	if u.Track == s.video {
		s.bframes = s.bframes || u.Bidirectional || t.units > 0 && u.PTS < t.last
		if u.Key {
			if s.keys > 0 {
				s.longest = max(s.longest, u.PTS-s.lastKey)
			}
			s.keys++
			s.lastKey = u.PTS
		}
	}
	if t.units > 0 && u.PTS > t.last {
		t.lasts = u.PTS - t.last
	}
	if u.Duration > 0 {
		t.lasts = u.Duration
	}
	t.units, t.bytes, t.last = t.units+1, t.bytes+len(u.Data), max(t.last, u.PTS)
}

// origin is when the clip begins, in the file's times: with its first picture, or with a sound well before that.
func (s *preview) origin(tracks []media.Track) time.Duration {
	const ahead = 50 * time.Millisecond
	video, audio := media.Choose(tracks)
	switch {
	case video < 0 || s.tracks[video].units == 0:
		if audio < 0 {
			return 0
		}
		return s.tracks[audio].first
	case audio < 0 || s.tracks[audio].units == 0:
		return s.tracks[video].first
	default:
		return min(s.tracks[video].first, s.tracks[audio].first+ahead)
	}
}

// report puts it into words.
func (s *preview) report(about media.Info, size int64) Report {
	r := Report{Container: about.Container, Size: size, Duration: milliseconds(about.Duration), Warnings: []string{}}
	for i, t := range about.Tracks {
		r.Tracks = append(r.Tracks, s.track(i, t))
		r.AAC = r.AAC || t.Codec == media.AAC
	}
	if s.whole && about.Duration == 0 {
		for _, t := range s.tracks {
			r.Duration = max(r.Duration, milliseconds(t.last+t.lasts))
		}
	}
	if s.video >= 0 {
		t := s.tracks[s.video]
		if s.keys > 0 && !s.whole {
			s.longest = max(s.longest, t.last-s.lastKey)
		}
		r.KeyFrameInterval = milliseconds(s.longest.Round(100 * time.Microsecond))
	}
	r.BFrames = s.bframes
	return r
}

func (s *preview) track(i int, t media.Track) TrackReport {
	r := TrackReport{
		Kind: t.Kind.String(), Codec: t.Codec, Profile: t.Profile, Language: t.Language, Width: t.Width, Height: t.Height,
		Channels: t.Channels, Rate: t.Rate, Playable: t.Playable(),
	}
	seen := s.tracks[i]
	lasts := seen.last + seen.lasts - seen.first
	if seen.units > 0 && lasts > 0 {
		r.BitRate = int(float64(seen.bytes) * 8 / lasts.Seconds())
		if t.Kind == codec.Video {
			r.FrameRate = rounded(float64(seen.units) / lasts.Seconds())
		}
	}
	return r
}

// rounded has three digits behind the point.
func rounded(f float64) float64 { return float64(int64(f*1000+0.5)) / 1000 }

func milliseconds(d time.Duration) float64 { return rounded(float64(d) / float64(time.Millisecond)) }
