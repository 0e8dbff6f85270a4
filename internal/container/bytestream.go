package container

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
)

const (
	// defaultRate is how many pictures a second a byte stream has that does not say.
	defaultRate = 25
	// headBytes is what is looked at to find out what a byte stream is.
	headBytes = 256 << 10
	readBytes = 64 << 10
)

// NAL unit types that tell where a picture begins, of H.264 (table 7-1) and of H.265 (table 7-1).
const (
	h264IDR       = 5
	h264SEI       = 6
	h264SPS       = 7
	h264AUD       = 9
	h265VPS       = 32
	h265SPS       = 33
	h265AUD       = 35
	h265PrefixSEI = 39
)

// A byteStream reads H.264 or H.265 as a byte stream (annex B of both): pictures without times, so each lasts as long as the
// parameter sets say.
type byteStream struct {
	r       *io.SectionReader
	info    media.Track
	hevc    bool
	convert media.Converter

	buffer  []byte // from the start code of a NAL unit on
	scanned int    // where to look for the next start code
	ended   bool
	held    []byte // a unit that belongs to the next picture
	picture int64
	idle    int64 // bytes since the last picture
}

// isByteStream knows start code and a NAL unit that a stream can begin with.
func isByteStream(head []byte) bool {
	head, ok := bytes.CutPrefix(head, []byte{0, 0, 0, 1})
	if !ok {
		head, ok = bytes.CutPrefix(head, []byte{0, 0, 1})
	}
	return ok && len(head) > 2 && (isHEVC(head) || isAVC(head))
}

func isAVC(nal []byte) bool {
	switch kind := nal[0] & 0x1f; kind {
	case h264SPS, h264AUD, h264SEI:
		return nal[0]&0x80 == 0
	default:
		return false
	}
}

func isHEVC(nal []byte) bool {
	switch kind := nal[0] >> 1 & 0x3f; kind {
	case h265VPS, h265SPS, h265AUD:
		return nal[0]&0x81 == 0 && nal[1] == 1 // layer 0, temporal id 0
	default:
		return false
	}
}

func openByteStream(_ context.Context, r io.ReaderAt, size int64) (*byteStream, error) {
	s := &byteStream{r: io.NewSectionReader(r, 0, size)}
	if err := s.open(size); err != nil {
		return nil, fmt.Errorf("read the byte stream: %w", err)
	}
	return s, nil
}

func (s *byteStream) open(size int64) error {
	head := make([]byte, min(size, headBytes))
	if _, err := s.r.ReadAt(head, 0); err != nil {
		return media.Cut(err)
	}
	_, first, _ := bytes.Cut(head, []byte{0, 0, 1})
	s.hevc = len(first) > 2 && isHEVC(first)
	s.info = media.Track{Kind: codec.Video, Codec: codec.H264}
	if s.hevc {
		s.info.Codec = codec.H265
	}
	var err error
	if s.convert, err = media.NewConverter(&s.info, head); err != nil {
		return err
	}
	if len(s.info.Sets) == 0 {
		return media.Damagedf("there are no parameter sets at its beginning")
	}
	if s.info.FrameDuration = s.info.SPSDuration; s.info.FrameDuration == 0 {
		s.info.FrameDuration = time.Second / defaultRate
	}
	return nil
}

func (s *byteStream) About() media.Info {
	return media.Info{Container: s.info.Codec + " byte stream", Tracks: []media.Track{s.info}}
}

func (s *byteStream) Restart(time.Duration) error {
	if _, err := s.r.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go to the beginning of the file: %w", err)
	}
	s.buffer, s.scanned, s.ended, s.held, s.picture, s.idle = nil, 0, false, nil, 0, 0
	return nil
}

// Next gathers the NAL units of a picture: up to the first slice of another one, or what stands in front of it (ITU-T H.264
// 7.4.1.2.3, H.265 7.4.2.4.4).
func (s *byteStream) Next() (media.Unit, error) {
	for n := 0; ; n++ {
		unit, last, err := s.accessUnit()
		if err == nil && n > 0 {
			err = media.Idle(n, media.MaxIdle/10, s.idle)
		}
		if err != nil {
			return media.Unit{}, fmt.Errorf("read the byte stream: %w", err)
		}
		if len(unit) == 0 && last {
			return media.Unit{}, io.EOF
		}
		at := time.Duration(s.picture) * s.info.FrameDuration
		if at > media.MaxTime {
			return media.Unit{}, media.Damagedf("it is longer than %v", media.MaxTime)
		}
		u := media.Unit{Data: unit, PTS: at, DTS: at, Duration: s.info.FrameDuration}
		if err := s.convert(&u); err != nil {
			return media.Unit{}, err
		}
		if len(u.Data) > 0 {
			s.picture++
			s.idle = 0
			return u, nil
		}
	}
}

// accessUnit reads one in the byte stream format.
func (s *byteStream) accessUnit() (unit []byte, last bool, err error) {
	picture := false
	for {
		nal := s.held
		if s.held = nil; nal == nil {
			if nal, err = s.unit(); err != nil {
				return nil, false, err
			}
			if nal == nil {
				return unit, true, nil
			}
		}
		slice, begins := s.kindOf(nal)
		if picture && begins {
			s.held = nal
			return unit, false, nil
		}
		picture = picture || slice
		if len(unit)+len(nal) > media.MaxUnit {
			return nil, false, media.Damagedf("a picture of more than %d bytes", media.MaxUnit)
		}
		unit = append(append(unit, 0, 0, 0, 1), nal...)
	}
}

// kindOf says whether a NAL unit is of a picture, and whether it begins a new one if a picture came before it.
func (s *byteStream) kindOf(nal []byte) (slice, begins bool) {
	kind := s.kind(nal)
	if s.hevc {
		if slice = kind < h265VPS; slice {
			return true, len(nal) > 2 && nal[2]&0x80 != 0
		}
		return false, kind <= h265AUD || kind == h265PrefixSEI || kind >= 41 && kind <= 44 || kind >= 48 && kind <= 55
	}
	if slice = kind >= 1 && kind <= h264IDR; slice {
		return true, len(nal) > 1 && nal[1]&0x80 != 0 && kind != 3 && kind != 4
	}
	return false, kind >= h264SEI && kind <= h264AUD || kind >= 14 && kind <= 18
}

// kind is a NAL unit's type.
func (s *byteStream) kind(nal []byte) byte {
	if s.hevc {
		return nal[0] >> 1 & 0x3f
	}
	return nal[0] & 0x1f
}

// unit reads the next NAL unit, without its start code; nil at the end. What it returns is not changed later.
func (s *byteStream) unit() ([]byte, error) {
	code := []byte{0, 0, 1}
	for {
		if i := bytes.Index(s.buffer[s.scanned:], code); i >= 0 {
			end := s.scanned + i
			nal := bytes.Clone(bytes.TrimRight(bytes.TrimPrefix(s.buffer[:end], code), "\x00"))
			s.buffer, s.scanned = s.buffer[end:], len(code)
			if len(nal) > 0 {
				return nal, nil
			}
			continue
		}
		s.scanned = max(s.scanned, len(s.buffer)-2)
		if s.ended {
			nal := bytes.TrimRight(bytes.TrimPrefix(s.buffer, code), "\x00")
			s.buffer, s.scanned = nil, 0
			if len(nal) == 0 {
				return nil, nil
			}
			return nal, nil
		}
		if len(s.buffer) > media.MaxUnit {
			return nil, media.Damagedf("no start code in %d bytes", media.MaxUnit)
		}
		more := make([]byte, readBytes)
		n, err := s.r.Read(more)
		s.buffer = append(s.buffer, more[:n]...)
		if s.idle += int64(n); s.idle > media.MaxIdleBytes {
			return nil, media.Damagedf("%d bytes in a row hold no picture", s.idle)
		}
		if err == io.EOF {
			s.ended = true
		} else if err != nil {
			return nil, fmt.Errorf("read the file: %w", err)
		}
	}
}
