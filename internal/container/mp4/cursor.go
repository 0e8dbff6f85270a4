package mp4

import "weir/internal/media"

// A cursor stands at a sample of a track by its tables. It is a value: a copy is a place to come back to.
type cursor struct {
	sample      uint32 // its number, from 0
	dts         int64  // ticks
	stts, ctts  int    // entries
	sttsUsed    uint32 // samples of the entry
	chunk       uint32 // from 0
	stsc        int
	chunkUsed   uint32 // samples of the chunk
	chunkOffset int64  // bytes of the chunk
	stss        int
}

// A sample is what the tables say of one.
type sample struct {
	track        int
	at, size     int64 // bytes
	dts, shown   int64 // ticks
	duration     int64
	key          bool
	fragmentTime int64 // nanoseconds; of a fragment's samples
}

// sampleAt reads the tables at the cursor; false at the end.
func (t *track) sampleAt(c *cursor) (s sample, ok bool, err error) {
	if c.sample >= t.stsz.SampleNumber {
		return s, false, nil
	}
	for c.stts < len(t.stts.SampleCount) && c.sttsUsed >= t.stts.SampleCount[c.stts] {
		c.stts, c.sttsUsed = c.stts+1, 0
	}
	if c.stts == len(t.stts.SampleCount) {
		return s, false, media.Damagedf("the table of times ends before the %d. of %d samples", c.sample+1, t.stsz.SampleNumber)
	}
	s.dts, s.duration = c.dts, int64(t.stts.SampleTimeDelta[c.stts])
	s.shown = s.dts
	if t.ctts != nil {
		for c.ctts < len(t.ctts.SampleOffset) && t.ctts.EndSampleNr[c.ctts+1] <= c.sample {
			c.ctts++
		}
		if c.ctts < len(t.ctts.SampleOffset) {
			s.shown += int64(t.ctts.SampleOffset[c.ctts])
		}
	}
	s.size = int64(t.stsz.SampleUniformSize)
	if s.size == 0 {
		s.size = int64(t.stsz.SampleSize[c.sample])
	}
	s.key = t.stss == nil || c.stss < len(t.stss.SampleNumber) && t.stss.SampleNumber[c.stss] == c.sample+1
	if s.at, err = t.chunkAt(c); err != nil {
		return s, false, err
	}
	s.at += c.chunkOffset
	return s, true, nil
}

// chunkAt moves the cursor to the chunk that the sample is in, and returns where that begins.
func (t *track) chunkAt(c *cursor) (at int64, err error) {
	entries := t.stsc.Entries
	for {
		if c.stsc >= len(entries) {
			return 0, media.Damagedf("there is no chunk for the %d. sample", c.sample+1)
		}
		for c.stsc+1 < len(entries) && c.chunk+1 >= entries[c.stsc+1].FirstChunk {
			c.stsc++
		}
		if c.chunkUsed < entries[c.stsc].SamplesPerChunk {
			break
		}
		if entries[c.stsc].SamplesPerChunk == 0 {
			return 0, media.Damagedf("a chunk has no samples")
		}
		c.chunk, c.chunkUsed, c.chunkOffset = c.chunk+1, 0, 0
	}
	switch i := int64(c.chunk); {
	case t.stco != nil && i < int64(len(t.stco.ChunkOffset)):
		return int64(t.stco.ChunkOffset[i]), nil
	case t.co64 != nil && i < int64(len(t.co64.ChunkOffset)):
		if offset := t.co64.ChunkOffset[i]; offset < 1<<62 {
			return int64(offset), nil
		}
	}
	return 0, media.Damagedf("there is no chunk %d", c.chunk+1)
}

// advance moves the cursor past a sample that sampleAt returned.
func (t *track) advance(c *cursor, s sample) {
	c.sample++
	c.dts += s.duration
	c.sttsUsed++
	c.chunkUsed++
	c.chunkOffset += s.size
	if t.stss != nil && c.stss < len(t.stss.SampleNumber) && t.stss.SampleNumber[c.stss] <= c.sample {
		c.stss++
	}
}

// complete says whether the track has all tables of a file without fragments.
func (t *track) complete() bool {
	return t.stts != nil && t.stsc != nil && t.stsz != nil && (t.stco != nil || t.co64 != nil)
}

// length is how long the samples last, in ticks, and reorders whether they are shown in another order than they stand in.
func (t *track) length() (ticks int64, reorders bool) {
	for i, n := range t.stts.SampleCount {
		ticks += int64(n) * int64(t.stts.SampleTimeDelta[i])
		if ticks > 1<<60 || ticks < 0 {
			return 1 << 60, false
		}
	}
	if t.ctts != nil {
		for _, offset := range t.ctts.SampleOffset {
			reorders = reorders || offset != t.ctts.SampleOffset[0]
		}
	}
	return ticks, reorders
}
