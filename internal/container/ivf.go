package container

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
)

// An ivfFile reads IVF: frames of one codec, each behind its size and its time.
type ivfFile struct {
	r           *io.SectionReader
	first, at   int64
	scale, rate uint64 // a tick is scale/rate seconds
	info        media.Track
	duration    time.Duration
	convert     media.Converter
}

const (
	ivfHead  = 32
	ivfFrame = 12
)

// ivfCodecs are the codecs by their names in IVF.
func ivfCodecs() map[string]string {
	return map[string]string{"VP80": codec.VP8, "VP90": codec.VP9, "AV01": codec.AV1, "H264": codec.H264, "HEVC": codec.H265}
}

func openIVF(_ context.Context, r io.ReaderAt, size int64) (*ivfFile, error) {
	v := &ivfFile{r: io.NewSectionReader(r, 0, size)}
	if err := v.open(); err != nil {
		return nil, fmt.Errorf("read IVF: %w", err)
	}
	return v, nil
}

func (v *ivfFile) open() error {
	var b [ivfHead]byte
	if _, err := v.r.ReadAt(b[:], 0); err != nil {
		return media.Cut(err)
	}
	v.first = int64(binary.LittleEndian.Uint16(b[6:]))
	v.rate, v.scale = uint64(binary.LittleEndian.Uint32(b[16:])), uint64(binary.LittleEndian.Uint32(b[20:]))
	if v.first < ivfHead || v.rate == 0 || v.scale == 0 {
		return media.Damagedf("a header of %d bytes, %d/%d ticks a second", v.first, v.rate, v.scale)
	}
	v.at = v.first
	name, known := ivfCodecs()[string(b[8:12])]
	if !known {
		name = media.Clean(string(b[8:12]))
	}
	v.info = media.Track{
		Kind: codec.Video, Codec: name,
		Width: int(binary.LittleEndian.Uint16(b[12:])), Height: int(binary.LittleEndian.Uint16(b[14:])),
	}
	count := uint64(binary.LittleEndian.Uint32(b[24:]))
	if d, err := v.time(count); err == nil {
		v.duration = d
	}
	if !v.info.Playable() {
		return nil
	}
	var err error
	v.convert, err = media.NewConverter(&v.info, nil)
	return err
}

// time is a number of ticks as a time.
func (v *ivfFile) time(ticks uint64) (time.Duration, error) {
	if ticks > uint64(media.MaxTime/time.Second)*v.rate/v.scale {
		return 0, media.Damagedf("a frame at tick %d of %d/%d a second", ticks, v.rate, v.scale)
	}
	whole, rest := ticks*v.scale/v.rate, ticks*v.scale%v.rate
	return time.Duration(whole)*time.Second + time.Duration((rest*uint64(time.Second)+v.rate/2)/v.rate), nil
}

func (v *ivfFile) About() media.Info {
	return media.Info{Container: "IVF", Tracks: []media.Track{v.info}, Duration: v.duration}
}

func (v *ivfFile) Restart(time.Duration) error {
	v.at = v.first
	return nil
}

func (v *ivfFile) Next() (media.Unit, error) {
	begin := v.at
	for n := 0; ; n++ {
		u, err := v.frame()
		if err == nil && len(u.Data) == 0 {
			err = media.Idle(n, media.MaxIdle, v.at-begin)
		}
		switch {
		case err == io.EOF: //nolint:errorlint // frame says so
			return media.Unit{}, io.EOF
		case err != nil:
			return media.Unit{}, fmt.Errorf("read IVF: %w", err)
		case len(u.Data) > 0:
			return u, nil
		}
	}
}

// frame reads the next one.
func (v *ivfFile) frame() (u media.Unit, err error) {
	if v.at == v.r.Size() || v.convert == nil {
		return u, io.EOF
	}
	var head [ivfFrame]byte
	if _, err := v.r.ReadAt(head[:], v.at); err != nil {
		return u, media.Cut(err)
	}
	size := int64(binary.LittleEndian.Uint32(head[:]))
	v.at += ivfFrame
	if size > media.MaxUnit || size > v.r.Size()-v.at {
		return u, media.Damagedf("a frame of %d bytes, %d are left", size, v.r.Size()-v.at)
	}
	u.Data = make([]byte, size)
	if _, err := v.r.ReadAt(u.Data, v.at); err != nil {
		return u, media.Cut(err)
	}
	v.at += size
	if u.PTS, err = v.time(binary.LittleEndian.Uint64(head[4:])); err != nil {
		return u, err
	}
	u.DTS = u.PTS
	return u, v.convert(&u)
}
