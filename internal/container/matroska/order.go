package matroska

import (
	"bytes"
	"io"

	"weir/internal/media"
)

const (
	// aheadUnits and aheadBytes bound what is read ahead to put units in order.
	aheadUnits = 512
	aheadBytes = 16 << 20
)

// An order puts the units of several tracks in the order of their times, within bounds: in a file a track's units may stand
// behind later ones of another.
type order struct {
	read    func() (media.Unit, error)
	tracks  [][]media.Unit // what was read ahead, by track
	waited  []bool         // the tracks that are waited for
	units   int
	bytes   int
	ended   error // of read; nil: it goes on
	playing int
}

// InOrder returns what is to be called instead of Next to have the units in the order of their times, within bounds.
func (m *Stream) InOrder() (next func() (media.Unit, error)) { return newOrder(m.tracks, m.Next).next }

func newOrder(tracks []media.Track, read func() (media.Unit, error)) *order {
	o := &order{read: read, tracks: make([][]media.Unit, len(tracks)), waited: make([]bool, len(tracks))}
	video, audio := media.Choose(tracks)
	for _, i := range []int{video, audio} {
		if i >= 0 {
			o.waited[i] = true
			o.playing++
		}
	}
	return o
}

// next returns the earliest of the units of the tracks, once each has one.
func (o *order) next() (media.Unit, error) {
	for o.ended == nil && !o.complete() && o.units < aheadUnits && o.bytes < aheadBytes {
		u, err := o.read()
		if err != nil {
			o.ended = err
			break
		}
		if !o.waited[u.Track] {
			continue
		}
		u.Data = bytes.Clone(u.Data) // it may be a small part of what was read of the file
		o.tracks[u.Track] = append(o.tracks[u.Track], u)
		o.units, o.bytes = o.units+1, o.bytes+len(u.Data)
	}
	first := -1
	for i, units := range o.tracks {
		if len(units) > 0 && (first < 0 || units[0].DTS < o.tracks[first][0].DTS) {
			first = i
		}
	}
	if first < 0 {
		if o.ended == nil {
			o.ended = io.EOF
		}
		return media.Unit{}, o.ended
	}
	u := o.tracks[first][0]
	o.tracks[first] = o.tracks[first][1:]
	o.units, o.bytes = o.units-1, o.bytes-len(u.Data)
	return u, nil
}

// complete says whether each track that is waited for has a unit.
func (o *order) complete() bool {
	have := 0
	for i, units := range o.tracks {
		if o.waited[i] && len(units) > 0 {
			have++
		}
	}
	return have == o.playing
}
