package codec

import (
	"strconv"
	"strings"
)

// Match grades how well what a receiver offered fits what would be sent to it. The higher, the better.
type Match uint8

// The grades, from worst to best. All but MatchNone mean that the receiver is expected to play the stream.
const (
	MatchNone     Match = iota // the receiver cannot take the stream
	MatchBaseline              // plain baseline sent to a receiver of another profile: fits because no encoder uses FMO or ASO
	MatchSuperset              // the receiver's profile contains the sent one: it can decode it, though RFC 6184 8.2.2 wants equals
	MatchUnstated              // the receiver states no profile
	MatchMode                  // same profile, and the packetization mode is unstated
	MatchExact                 // same configuration
)

// Accepts says whether a receiver that offered f takes a stream sent as described by sent.
func (f Format) Accepts(sent Format) bool { return f.Match(sent) != MatchNone }

// Match grades how well a receiver that offered f takes a stream sent as described by sent.
//
// Names are compared without regard to case. A receiver that gives no format parameters at all takes anything: GStreamer
// offers H.264 that way and means every profile (by the letter of RFC 6184 8.1 it would be baseline level 1, mode 0).
// Levels are never compared: with level-asymmetry-allowed=1 they are free (RFC 6184 8.2.2), and without it real decoders
// take more than they state.
func (f Format) Match(sent Format) Match {
	name := Canonical(sent.Name)
	if Canonical(f.Name) != name || f.ClockRate != sent.ClockRate || !f.sameChannels(sent) {
		return MatchNone
	}
	if strings.TrimSpace(f.Fmtp) == "" && (name == H264 || name == H265 || name == VP9 || name == AV1) {
		return MatchUnstated
	}
	offered, ours := Params(f.Fmtp), Params(sent.Fmtp)
	switch name {
	case H264:
		return matchH264(offered, ours)
	case H265: // RFC 7798 7.1: profile 1 and the main tier unless stated
		return equalParams(offered, ours, map[string]string{"profile-id": "1", "tier-flag": "0"})
	case VP9: // RFC 9628 6: profile 0 unless stated
		return equalParams(offered, ours, map[string]string{"profile-id": "0"})
	case AV1: // AV1 RTP 7.2: main profile unless stated
		return equalParams(offered, ours, map[string]string{"profile": "0"})
	default: // the parameters of VP8 and of audio are wishes, not configurations
		return MatchExact
	}
}

// sameChannels compares the channels of two rtpmaps. Opus is always "/2" there (RFC 7587 4.1), which GStreamer leaves
// out, so for Opus one channel and two are the same.
func (f Format) sameChannels(sent Format) bool {
	a, b := max(f.Channels, 1), max(sent.Channels, 1)
	return a == b || Canonical(f.Name) == Opus && a <= 2 && b <= 2
}

// equalParams compares those parameters that have a default.
func equalParams(offered, ours, defaults map[string]string) Match {
	for key, fallback := range defaults {
		a, ok := offered[key]
		if !ok {
			a = fallback
		}
		b, ok := ours[key]
		if !ok {
			b = fallback
		}
		if a != b {
			return MatchNone
		}
	}
	return MatchExact
}

// matchH264 grades two sets of H.264 parameters by RFC 6184 8.2.2: profile and packetization mode are the configuration.
func matchH264(offered, ours map[string]string) Match {
	ourMode := ours["packetization-mode"]
	if ourMode == "" {
		ourMode = "0"
	}
	mode, stated := offered["packetization-mode"]
	// A receiver of mode 1 takes mode 0, a subset of it. One that states no mode takes either in practice.
	if stated && mode != ourMode && (mode != "1" || ourMode != "0") {
		return MatchNone
	}
	id := offered["profile-level-id"]
	if id == "" {
		return MatchUnstated
	}
	idc, constraints, _, ok := ProfileLevelID(id)
	if !ok {
		return MatchNone
	}
	ourID := ours["profile-level-id"]
	if ourID == "" {
		ourID = "42000a" // RFC 6184 8.1: baseline without any extra, level 1
	}
	ourIDC, ourConstraints, _, ok := ProfileLevelID(ourID)
	if !ok {
		return MatchNone
	}
	grade := matchProfile(h264ProfileOf(idc, constraints), h264ProfileOf(ourIDC, ourConstraints))
	if grade == MatchExact && (!stated || mode != ourMode) {
		return MatchMode
	}
	return grade
}

// h264Profile is a sub-profile: what profile_idc and the constraint flags mean together (RFC 6184 table 5).
type h264Profile uint8

const (
	profileOther h264Profile = iota // Extended, those of intra pictures alone: nothing that a browser decodes
	profileBaseline
	profileConstrainedBaseline
	profileMain
	profileConstrainedHigh
	profileHigh
	profileHigh10
	profileHigh422
	profileHigh444
)

// common says whether it is a profile of 8 bits and 4:2:0, as all have them.
func (p h264Profile) common() bool { return p >= profileBaseline && p <= profileHigh }

// Names of the profiles that no browser decodes, or only one that offers it.
const (
	ProfileHigh10  = "high-10"
	ProfileHigh422 = "high-4:2:2"
	ProfileHigh444 = "high-4:4:4"
)

// Constraint flags as they stand in the second byte of a profile-level-id.
const (
	constraintSet0 = 0x80 // obeys baseline
	constraintSet1 = 0x40 // obeys main
	constraintSet3 = 0x10 // intra only, for the high family
	constraintSet4 = 0x08 // frames only, for the high family
	constraintSet5 = 0x04 // no B slices, for the high family
)

// Profile names the H.264 profile that the parameters say, as RFC 6184 table 5 does: "constrained-baseline", "high". It is
// "" for other codecs, where it is not said, and for a profile without a name here.
func (f Format) Profile() string {
	idc, constraints, _, ok := ProfileLevelID(Params(f.Fmtp)["profile-level-id"])
	if !ok || Canonical(f.Name) != H264 {
		return ""
	}
	switch h264ProfileOf(idc, constraints) {
	case profileBaseline:
		return "baseline"
	case profileConstrainedBaseline:
		return "constrained-baseline"
	case profileMain:
		return "main"
	case profileConstrainedHigh:
		return "constrained-high"
	case profileHigh:
		return "high"
	case profileHigh10:
		return ProfileHigh10
	case profileHigh422:
		return ProfileHigh422
	case profileHigh444:
		return ProfileHigh444
	default:
		return ""
	}
}

func h264ProfileOf(idc, constraints byte) h264Profile {
	switch {
	case idc == 0x42 && constraints&constraintSet1 != 0, // 42e0, 42c0, 4240
		idc == 0x4d && constraints&constraintSet0 != 0,
		idc == 0x58 && constraints&(constraintSet0|constraintSet1) == constraintSet0|constraintSet1:
		return profileConstrainedBaseline
	case idc == 0x42, idc == 0x58 && constraints&constraintSet0 != 0:
		return profileBaseline
	case idc == 0x4d:
		return profileMain
	case idc == 0x64 && constraints&(constraintSet4|constraintSet5) == constraintSet4|constraintSet5:
		return profileConstrainedHigh // 640c, as Safari and Android offer it
	case idc == 0x64 && constraints&constraintSet3 == 0:
		return profileHigh
	case idc == 0x6e && constraints&constraintSet3 == 0:
		return profileHigh10
	case idc == 0x7a && constraints&constraintSet3 == 0:
		return profileHigh422
	case idc == 0xf4 && constraints&constraintSet3 == 0:
		return profileHigh444
	default:
		return profileOther
	}
}

// matchProfile grades a receiver's profile against the sent one. By the letter of RFC 6184 8.2.2 only the same profile
// matches. A receiver whose profile contains the sent one decodes it just as well, so that is a fallback: a player that
// lists High alone gets our constrained baseline stream rather than a refusal. Where an offer lists both, the grade makes
// the same profile win.
func matchProfile(receiver, sent h264Profile) Match {
	if receiver == sent && sent != profileOther {
		return MatchExact
	}
	switch sent {
	case profileConstrainedBaseline: // in every other profile
		if receiver.common() {
			return MatchSuperset
		}
	case profileMain, profileConstrainedHigh: // frames without B slices are in High, and so is all of Main
		if receiver == profileHigh {
			return MatchSuperset
		}
	case profileBaseline:
		// Only baseline decoders promise flexible macroblock order, redundant slices and the like. No encoder in use
		// makes them, and FFmpeg and OBS declare plain baseline for what is constrained baseline.
		if receiver.common() {
			return MatchBaseline
		}
	default:
	}
	return MatchNone
}

// ProfileLevelID parses the profile-level-id of H.264: six hex digits (RFC 6184 8.1), in any case. Seven are taken too:
// FFmpeg 8.0 prints its own profile flag of three digits as the second byte ("422001f"), 0x200 for constrained baseline
// and 0x800 for intra profiles.
func ProfileLevelID(s string) (profileIDC, constraints, level byte, ok bool) {
	if len(s) != 6 && len(s) != 7 {
		return 0, 0, 0, false
	}
	for i := range len(s) { // ParseUint would take a sign or an underscore
		if c := s[i] | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0, 0, 0, false
		}
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return 0, 0, 0, false
	}
	if len(s) == 6 {
		return byte(n >> 16), byte(n >> 8), byte(n), true
	}
	flags := n >> 8 & 0xfff
	constraints = byte(flags)
	if flags&0x200 != 0 {
		constraints |= constraintSet1
	}
	if flags&0x800 != 0 {
		constraints |= constraintSet3
	}
	return byte(n >> 20), constraints, byte(n), true
}
