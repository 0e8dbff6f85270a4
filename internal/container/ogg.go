package container

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
)

const (
	oggHead = 27
	// oggTail is how much of the end is looked at for the last page: a page has at most 65,307 bytes.
	oggTail = 128 << 10
)

// An oggFile reads Opus in Ogg (RFC 7845). pion's reader hands out pages, which may hold a second of packets glued together.
type oggFile struct {
	r        *io.SectionReader
	at       int64
	serial   uint32
	info     media.Track
	preSkip  time.Duration
	duration time.Duration
	convert  media.Converter

	queue   [][]byte // whole packets of the page
	partial []byte   // of a packet that goes on in the next page
	headers int      // packets to come that are no sound
	clock   time.Duration
}

func openOgg(_ context.Context, r io.ReaderAt, size int64) (*oggFile, error) {
	o := &oggFile{r: io.NewSectionReader(r, 0, size)}
	if err := o.open(); err != nil {
		return nil, fmt.Errorf("read Ogg: %w", err)
	}
	return o, nil
}

// open finds the first stream of Opus among those that begin here.
func (o *oggFile) open() error {
	for {
		p, err := o.page()
		if err != nil {
			return media.Cut(err)
		}
		if p.flags&2 == 0 { // all streams begin before anything else
			return fmt.Errorf("%w: there is no Opus in it", media.ErrUnsupported)
		}
		channels, preSkip, ok := media.OpusHead(p.body)
		if !ok {
			continue
		}
		o.serial, o.preSkip = p.serial, preSkip
		o.info = media.Track{Kind: codec.Audio, Codec: codec.Opus, Channels: channels}
		break
	}
	if o.convert, _ = media.NewConverter(&o.info, nil); o.convert == nil {
		return nil
	}
	if err := o.measure(); err != nil {
		return err
	}
	return o.Restart(0)
}

// An oggPage is one page (RFC 3533 6).
type oggPage struct {
	flags   byte
	granule uint64
	serial  uint32
	lacing  []byte
	body    []byte
}

// page reads the next one; io.EOF at the end.
func (o *oggFile) page() (p oggPage, err error) {
	if o.at == o.r.Size() {
		return p, io.EOF
	}
	var head [oggHead + 255]byte
	if _, err := o.r.ReadAt(head[:oggHead], o.at); err != nil {
		return p, media.Cut(err)
	}
	if string(head[:4]) != "OggS" || head[4] != 0 {
		return p, media.Damagedf("there is no page at byte %d", o.at)
	}
	p = oggPage{flags: head[5], granule: binary.LittleEndian.Uint64(head[6:]), serial: binary.LittleEndian.Uint32(head[14:])}
	p.lacing = head[oggHead : oggHead+int(head[26])]
	if _, err := o.r.ReadAt(p.lacing, o.at+oggHead); err != nil {
		return p, media.Cut(err)
	}
	size := 0
	for _, n := range p.lacing {
		size += int(n)
	}
	p.body = make([]byte, size)
	if _, err := o.r.ReadAt(p.body, o.at+oggHead+int64(len(p.lacing))); err != nil {
		return p, media.Cut(err)
	}
	o.at += int64(oggHead + len(p.lacing) + size)
	return p, nil
}

// measure finds out how long the sound is, by the last page.
func (o *oggFile) measure() error {
	tail := make([]byte, min(o.r.Size(), oggTail))
	if _, err := o.r.ReadAt(tail, o.r.Size()-int64(len(tail))); err != nil {
		return media.Cut(err)
	}
	for {
		i := bytes.LastIndex(tail, []byte("OggS"))
		if i < 0 {
			return nil
		}
		if b := tail[i:]; len(b) >= oggHead && binary.LittleEndian.Uint32(b[14:]) == o.serial {
			samples := binary.LittleEndian.Uint64(b[6:])
			if whole := samples / 48000; whole < uint64(media.MaxTime/time.Second) {
				d := time.Duration(whole)*time.Second + time.Duration(samples%48000)*time.Second/48000
				o.duration = max(d-o.preSkip, 0)
				return nil
			}
		}
		tail = tail[:i]
	}
}

func (o *oggFile) About() media.Info {
	return media.Info{Container: "Ogg", Tracks: []media.Track{o.info}, Duration: o.duration}
}

func (o *oggFile) Restart(time.Duration) error {
	o.at, o.queue, o.partial, o.headers, o.clock = 0, nil, nil, 2, -o.preSkip
	return nil
}

func (o *oggFile) Next() (media.Unit, error) {
	read := int64(0)
	for {
		if o.convert == nil {
			return media.Unit{}, io.EOF
		}
		if err := o.gather(read); err != nil {
			return media.Unit{}, err
		}
		u := media.Unit{Data: o.queue[0], PTS: o.clock, DTS: o.clock}
		read += int64(len(u.Data)) + 1
		o.queue = o.queue[1:]
		if o.headers > 0 {
			o.headers--
			continue
		}
		if err := o.convert(&u); err != nil {
			return media.Unit{}, err
		}
		if o.clock += u.Duration; o.clock > media.MaxTime {
			return media.Unit{}, media.Damagedf("it is longer than %v", media.MaxTime)
		}
		if len(u.Data) > 0 {
			return u, nil
		}
		if err := media.Idle(0, 1, read); err != nil {
			return media.Unit{}, err
		}
	}
}

// gather reads pages until there is a packet; io.EOF at the end. So many bytes have come to no unit before.
func (o *oggFile) gather(read int64) error {
	for n := 0; len(o.queue) == 0; n++ {
		err := o.fill()
		if err == nil && len(o.queue) == 0 {
			err = media.Idle(n, media.MaxIdle/10, read)
		}
		switch {
		case err == io.EOF: //nolint:errorlint // fill says so
			return err
		case err != nil:
			return fmt.Errorf("read Ogg: %w", err)
		}
	}
	return nil
}

// fill reads a page and takes its packets apart by the lacing table; the last may go on in the next page.
func (o *oggFile) fill() error {
	p, err := o.page()
	if err != nil || p.serial != o.serial {
		return err
	}
	if p.flags&1 == 0 {
		o.partial = nil // nothing goes on
	}
	size := 0
	for _, n := range p.lacing {
		size += int(n)
		if n == 255 {
			continue
		}
		packet := p.body[:size:size]
		p.body, size = p.body[size:], 0
		if o.partial != nil {
			packet, o.partial = append(o.partial, packet...), nil
		}
		o.queue = append(o.queue, packet)
	}
	if size > 0 {
		if len(o.partial)+size > media.MaxUnit {
			return media.Damagedf("a packet of more than %d bytes", media.MaxUnit)
		}
		o.partial = append(o.partial, p.body[:size]...)
	}
	return nil
}
