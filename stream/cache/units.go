package cache

import "weir/internal/codec"

// insertion is where packets of our own were put into a source's numbers.
type insertion struct {
	at uint64 // index of the source's packet behind them
	n  uint64
}

// maxInsertions is how many are remembered: packets from before them are late.
const maxInsertions = 64

// maxSetsPacket is the longest packet of parameter sets, in bytes of payload.
const maxSetsPacket = 1200

// units is what the writing end knows of the NAL units of H.264 and H.265.
type units struct {
	sets       *codec.ParameterSets // nil: another codec
	generation uint64               // of the sets that Track.format shows
	had        codec.Content        // what has begun in the newest frame
	timestamp  uint32               // of that frame, on the track's line
	inserted   []insertion
}

// begin forgets what another publication brought.
func (u *units) begin(f codec.Format) {
	*u = units{sets: codec.NewParameterSets(f)}
}

// format is the real one.
func (u *units) format(declared codec.Format) *codec.Format {
	if u.sets == nil {
		return &declared
	}
	f := u.sets.Format()
	u.generation = u.sets.Generation()
	return &f
}

// changed is the real format if the parameter sets are others than before.
func (u *units) changed() *codec.Format {
	if u.sets == nil || u.generation == u.sets.Generation() {
		return nil
	}
	return u.format(codec.Format{})
}

// look reads a packet. It says whether a key frame, or what stands in front of
// one, begins in it.
func (u *units) look(name string, payload []byte) (c codec.Content, keyFrame bool) {
	if u.sets == nil {
		return 0, codec.KeyFrameStart(name, payload)
	}
	c = u.sets.Read(payload)
	return c, c&(codec.ContentKey|codec.ContentSPS|codec.ContentVPS) != 0
}

// lacking are packets of the parameter sets that a key frame lacks, if its first
// slice begins in a packet with that content; nil if it lacks nothing, or if
// there is nothing to put in, which is counted.
func (u *units) lacking(t *Track, c codec.Content, timestamp uint32) [][]byte {
	if u.sets == nil {
		return nil
	}
	had := u.had
	if timestamp != u.timestamp {
		had = 0
	}
	if c&codec.ContentFirst == 0 || c&codec.ContentKey == 0 || had&codec.ContentKey != 0 || !u.sets.Missing(had|c) {
		return nil
	}
	sets := u.sets.Payloads(maxSetsPacket)
	if sets == nil {
		t.setsMissing.Add(1)
	}
	return sets
}

// note remembers what began in a packet.
func (u *units) note(c codec.Content, timestamp uint32) {
	if u.sets == nil {
		return
	}
	switch {
	case timestamp == u.timestamp:
		u.had |= c
	case int32(timestamp-u.timestamp) > 0 || u.had == 0:
		u.had, u.timestamp = c, timestamp
	}
}

// shift gives an index its place among the packets put in before it.
func (u *units) shift(index uint64) uint64 {
	for i := len(u.inserted) - 1; i >= 0 && index < u.inserted[i].at; i-- {
		index -= u.inserted[i].n
	}
	return index
}
