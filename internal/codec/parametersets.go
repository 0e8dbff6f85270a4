package codec

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxSet is the longest parameter set that is kept, in bytes; real ones have some tens.
	maxSet = 1024
	// maxSets is how many of each type are kept.
	maxSets = 8
)

// ParameterSets are those of one H.264 or H.265 stream: what its SDP declared, replaced by what its packets bring. One
// goroutine uses it at a time. Sets given out are never changed.
type ParameterSets struct {
	hevc       bool
	mode0      bool // H.264: packetization mode 0 knows no aggregation
	donl       bool // H.265: aggregation packets have numbers in them, which are not made here
	format     Format
	sets       []parameterSet // by type, then in the order in which they came
	generation uint64
}

type parameterSet struct {
	kind Content
	id   uint32
	unit []byte
	sps  SPS // where kind says so
}

// NewParameterSets begins with what the format's parameters declare: sprop-parameter-sets (RFC 6184 8.1), sprop-vps,
// sprop-sps and sprop-pps (RFC 7798 7.1). What cannot be read there is left out. It is nil for other codecs.
func NewParameterSets(f Format) *ParameterSets {
	name := Canonical(f.Name)
	if name != H264 && name != H265 {
		return nil
	}
	params := Params(f.Fmtp)
	s := &ParameterSets{
		hevc: name == H265, format: f,
		mode0: name == H264 && (params["packetization-mode"] == "0" || params["packetization-mode"] == "" && params["profile-level-id"] != ""),
		donl:  name == H265 && params["sprop-max-don-diff"] != "" && params["sprop-max-don-diff"] != "0",
	}
	for _, key := range [...]string{"sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps"} {
		for part := range strings.SplitSeq(params[key], ",") {
			unit, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
			if err == nil && len(unit) > 0 && (key == "sprop-parameter-sets") != s.hevc {
				s.note(s.content(unit), unit)
			}
		}
	}
	return s
}

// content is what one NAL unit is.
func (s *ParameterSets) content(unit []byte) Content {
	if s.hevc {
		return unitH265(unit[0]>>1&0x3f, nil)
	}
	return unitH264(unit[0]&0x1f, nil)
}

// Read says what begins in a payload, and keeps copies of the parameter sets that it holds whole.
func (s *ParameterSets) Read(payload []byte) Content {
	if len(payload) == 0 {
		return 0
	}
	if s.hevc {
		return contentH265(payload, s.note)
	}
	return contentH264(payload, s.note)
}

// note keeps one set in place of the one of the same type and id. A set that cannot be read is not kept.
func (s *ParameterSets) note(kind Content, unit []byte) {
	if len(unit) > maxSet || kind&(ContentVPS|ContentSPS|ContentPPS) == 0 {
		return
	}
	for i := range s.sets {
		if s.sets[i].kind == kind && bytes.Equal(s.sets[i].unit, unit) {
			return
		}
	}
	set := parameterSet{kind: kind}
	if !s.identify(&set, unit) {
		return
	}
	set.unit = bytes.Clone(unit)
	s.generation++
	same := func(o parameterSet) bool { return o.kind == kind && o.id == set.id }
	if i := slices.IndexFunc(s.sets, same); i >= 0 {
		s.sets[i] = set
		return
	}
	first, n := len(s.sets), 0
	for i, o := range s.sets {
		if o.kind == kind {
			first, n = min(first, i), n+1
		}
	}
	if n == maxSets { // the oldest goes
		s.sets = slices.Delete(s.sets, first, first+1)
	}
	s.sets = append(s.sets, set)
	slices.SortStableFunc(s.sets, func(a, b parameterSet) int { return int(a.kind) - int(b.kind) })
}

// identify reads the number of a set.
func (s *ParameterSets) identify(set *parameterSet, unit []byte) bool {
	header := 1
	if s.hevc {
		header = 2
	}
	if len(unit) <= header {
		return false
	}
	switch set.kind {
	case ContentSPS:
		parse := ParseH264SPS
		if s.hevc {
			parse = ParseH265SPS
		}
		sps, err := parse(unit)
		set.id, set.sps = uint32(sps.ID), sps
		return err == nil
	case ContentVPS:
		set.id = uint32(unit[header] >> 4)
		return true
	default:
		r := &bitReader{data: unescape(unit[header:min(len(unit), header+8)])}
		set.id = r.most(255)
		return !r.bad
	}
}

// Complete says whether there is one set of each type at least.
func (s *ParameterSets) Complete() bool {
	var have Content
	for _, o := range s.sets {
		have |= o.kind
	}
	need := ContentSPS | ContentPPS
	if s.hevc {
		need |= ContentVPS
	}
	return have&need == need
}

// Missing says whether a key frame in whose packets had begun lacks a set of some type.
func (s *ParameterSets) Missing(had Content) bool {
	need := ContentSPS | ContentPPS
	if s.hevc {
		need |= ContentVPS
	}
	return had&need != need
}

// Generation changes with the sets.
func (s *ParameterSets) Generation() uint64 { return s.generation }

// Payloads are RTP payloads that hold all sets, none longer than most bytes: one aggregation packet where the format
// allows it and it fits, else one packet a set. Nil if a type is missing or a set is too long.
func (s *ParameterSets) Payloads(most int) [][]byte {
	if !s.Complete() {
		return nil
	}
	total := 2
	for _, o := range s.sets {
		if len(o.unit) > most {
			return nil
		}
		total += 2 + len(o.unit)
	}
	if total > most || s.mode0 || s.donl {
		all := make([][]byte, len(s.sets))
		for i, o := range s.sets {
			all[i] = o.unit
		}
		if s.donl {
			return nil
		}
		return all
	}
	b := make([]byte, 0, total)
	if first := s.sets[0].unit; s.hevc {
		b = append(b, first[0]&0x81|h265AP<<1, first[1])
	} else {
		importance := byte(0) // NRI: the most of any (RFC 6184 5.7.1)
		for _, o := range s.sets {
			importance = max(importance, o.unit[0]&0x60)
		}
		b = append(b, importance|h264STAPA)
	}
	for _, o := range s.sets {
		b = append(append(b, byte(len(o.unit)>>8), byte(len(o.unit))), o.unit...)
	}
	return [][]byte{b}
}

// SPS is the newest sequence parameter set; false if there is none.
func (s *ParameterSets) SPS() (SPS, bool) {
	for _, o := range slices.Backward(s.sets) {
		if o.kind == ContentSPS {
			return o.sps, true
		}
	}
	return SPS{}, false
}

// Format is the stream's real one: the declared one with the profile and level that the sequence parameter set says
// (profile-level-id; profile-space, profile-id, tier-flag and level-id for H.265). Without a set it is as declared.
func (s *ParameterSets) Format() Format {
	sps, ok := s.SPS()
	if !ok {
		return s.format
	}
	f := s.format
	if s.hevc {
		f.Fmtp = withParams(f.Fmtp, "profile-space", fmt.Sprint(sps.ProfileSpace), "profile-id", fmt.Sprint(sps.ProfileIDC),
			"tier-flag", fmt.Sprint(sps.Tier), "level-id", fmt.Sprint(sps.Level))
	} else {
		f.Fmtp = withParams(f.Fmtp, "profile-level-id", fmt.Sprintf("%02x%02x%02x", sps.ProfileIDC, sps.Constraints, sps.Level))
	}
	return f
}

// withParams sets format parameters: those that are there in their place, the others at the end. Pairs are key and value.
func withParams(fmtp string, pairs ...string) string {
	var parts []string
	done := map[string]bool{}
	for part := range strings.SplitSeq(fmtp, ";") {
		part = strings.TrimSpace(part)
		key, _, _ := strings.Cut(part, "=")
		key = strings.TrimSpace(key)
		for i := 0; i < len(pairs); i += 2 {
			if strings.EqualFold(key, pairs[i]) {
				part = pairs[i] + "=" + pairs[i+1]
				done[pairs[i]] = true
			}
		}
		if part != "" {
			parts = append(parts, part)
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if !done[pairs[i]] {
			parts = append(parts, pairs[i]+"="+pairs[i+1])
		}
	}
	return strings.Join(parts, ";")
}
