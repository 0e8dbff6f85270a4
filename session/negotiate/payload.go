package negotiate

import (
	"slices"
	"strconv"
	"strings"

	"weir/internal/codec"
)

// payload is one payload type of a section.
type payload struct {
	number   uint8
	format   codec.Format // Name as offered
	feedback []string     // those a=rtcp-fb values that this program acts on, each once
}

// payloads reads the payload types of a section in its order (RFC 8866 6.6, 6.15; RFC 4585 4.2). What has no usable rtpmap
// is left out, and so are the numbers 64 to 95, which cannot be told from RTCP on one port (RFC 5761 4).
func payloads(m media) []payload {
	var list []payload
	index := make(map[string]int) // payload type as spelled in the m= line
	for _, spelled := range m.formats {
		number, err := strconv.ParseUint(spelled, 10, 7)
		_, seen := index[spelled]
		if err != nil || seen || number >= 64 && number < 96 || strconv.FormatUint(number, 10) != spelled {
			continue
		}
		index[spelled] = len(list)
		list = append(list, payload{number: uint8(number), format: staticFormat(number)})
	}
	mapped := make(map[int]bool)
	for _, attribute := range m.attributes {
		spelled, value, _ := strings.Cut(attribute.value, " ")
		at, known := index[spelled]
		value = strings.TrimSpace(value)
		switch {
		case attribute.key == "rtcp-fb" && spelled == "*":
			for i := range list {
				list[i].addFeedback(value)
			}
		case !known:
		case attribute.key == "rtcp-fb":
			list[at].addFeedback(value)
		case attribute.key == "fmtp" && list[at].format.Fmtp == "":
			list[at].format.Fmtp = value
		case attribute.key == "rtpmap" && !mapped[at]:
			if format, ok := parseRTPMap(value); ok {
				mapped[at] = true
				format.Fmtp = list[at].format.Fmtp
				list[at].format = format
			}
		}
	}
	return slices.DeleteFunc(list, func(p payload) bool { return p.format.Name == "" })
}

// addFeedback notes the value of an a=rtcp-fb line after its payload type, if it is one that this program acts on.
func (p *payload) addFeedback(value string) {
	value = strings.ToLower(strings.Join(strings.Fields(value), " "))
	if slices.Contains(knownFeedback(), value) && !slices.Contains(p.feedback, value) {
		p.feedback = append(p.feedback, value)
	}
}

// staticFormat returns the formats that need no rtpmap (RFC 3551 6).
func staticFormat(number uint64) codec.Format {
	switch number {
	case 0:
		return codec.Format{Name: codec.PCMU, ClockRate: 8000}
	case 8:
		return codec.Format{Name: codec.PCMA, ClockRate: 8000}
	case 9:
		return codec.Format{Name: codec.G722, ClockRate: 8000}
	default:
		return codec.Format{}
	}
}

// parseRTPMap reads "name/clock" or "name/clock/channels".
func parseRTPMap(value string) (codec.Format, bool) {
	fields := strings.Split(value, "/")
	if len(fields) < 2 || len(fields) > 3 || !token(fields[0]) {
		return codec.Format{}, false
	}
	clock, err := strconv.ParseUint(fields[1], 10, 32)
	if err != nil || clock == 0 {
		return codec.Format{}, false
	}
	format := codec.Format{Name: fields[0], ClockRate: uint32(clock)}
	if len(fields) == 3 {
		channels, err := strconv.ParseUint(fields[2], 10, 8)
		if err != nil {
			return codec.Format{}, false
		}
		format.Channels = uint8(channels)
	}
	return format, true
}

// matchSection finds the first track that a payload type of the section takes, and the payload type that takes it best,
// the first of equals. It says whether there is one.
//
// Where no payload type takes a track by the rules, one of H.264 does that names another profile: OBS sends High, many
// browsers offer constrained baseline alone, and what they decode with takes all.
func (n *negotiation) matchSection(section *Section, m media) bool {
	list := payloads(m)
	for _, lenient := range []bool{false, true} {
		for i, spec := range n.tracks {
			if spec.Format.Kind().String() != section.Kind || lenient && codec.Canonical(spec.Format.Name) != codec.H264 {
				continue
			}
			wanted := spec.Format
			if lenient {
				wanted.Fmtp = "profile-level-id=42e01f;packetization-mode=" + codec.Params(wanted.Fmtp)["packetization-mode"]
			}
			if best, grade := bestPayload(list, wanted); grade != codec.MatchNone {
				n.take(section, m, i, best)
				n.noteMatch(best.format, grade)
				if lenient {
					n.plan.lenient(LenientDecoder)
				}
				return true
			}
		}
	}
	section.Reason = "no common codec"
	return false
}

// bestPayload is the payload type that takes a format best, the first of equals.
func bestPayload(list []payload, wanted codec.Format) (best payload, grade codec.Match) {
	for _, p := range list {
		if g := p.format.Match(wanted); g > grade {
			best, grade = p, g
		}
	}
	return best, grade
}

// take accepts a section: a track of the stream's is played in a payload type.
func (n *negotiation) take(section *Section, m media, track int, best payload) {
	list, sent := payloads(m), n.tracks[track].Format
	section.Accepted = true
	section.Track = track
	section.PayloadType = best.number
	section.Format = best.format
	section.Format.Fmtp = answerFmtp(best.format, sent)
	section.Feedback = answerFeedback(section.Kind, best.feedback)
	section.RTXPayloadType = retransmission(section.Kind, best, section.Feedback, list)
	section.Extensions = n.readExtensions(m, n.extensions, passing())
	n.holdPayloads(section, list, best, sent)
}

// noteMatch names the leniency that a match took.
func (n *negotiation) noteMatch(offered codec.Format, grade codec.Match) {
	if codec.Canonical(offered.Name) != codec.H264 {
		return
	}
	switch grade {
	case codec.MatchUnstated:
		n.plan.lenient(LenientFmtp)
	case codec.MatchSuperset, codec.MatchBaseline:
		n.plan.lenient(LenientProfile)
	case codec.MatchMode:
		n.plan.lenient(LenientMode)
	default:
	}
}

// knownFeedback returns all the feedback that this program acts on, from players or towards publishers.
func knownFeedback() []string {
	return []string{"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"}
}

// feedbackOf returns the feedback of players that this program acts on (RFC 4585 4.2, RFC 5104 7.1), in the order that
// answers have. Congestion control by transport-cc or REMB is not among it. Audio is resent on NACK like video.
func feedbackOf(kind string) []string {
	if kind == "video" {
		return []string{"nack", "nack pli", "ccm fir"}
	}
	return []string{"nack"}
}

// answerFeedback returns the feedback that is answered: what this program acts on and the player offered.
func answerFeedback(kind string, offered []string) []string {
	return slices.DeleteFunc(feedbackOf(kind), func(value string) bool { return !slices.Contains(offered, value) })
}

// holdPayloads lists what the answer holds of a player's section: what is sent, and behind it what may be sent later, when
// the publisher turns out to send another profile, or changes its codec. Of each codec, and each profile of H.264, the
// first that the player offers.
func (n *negotiation) holdPayloads(section *Section, list []payload, best payload, sent codec.Format) {
	section.Payloads = []Payload{{
		Number: best.number, RTX: section.RTXPayloadType, Format: section.Format, Offered: best.format.Fmtp, Feedback: section.Feedback,
	}}
	n.room -= section.Payloads[0].length()
	held := map[string]bool{variant(best.format): true}
	for _, p := range list {
		if p.format.Kind().String() != section.Kind || !relays(p.format) || held[variant(p.format)] {
			continue
		}
		feedback := answerFeedback(section.Kind, p.feedback)
		more := Payload{
			Number: p.number, RTX: retransmission(section.Kind, p, feedback, list), Format: p.format, Offered: p.format.Fmtp, Feedback: feedback,
		}
		like := codec.Format{Name: p.format.Name}
		if codec.Canonical(p.format.Name) == codec.Canonical(sent.Name) {
			like = sent
		}
		more.Format.Fmtp = answerFmtp(p.format, like)
		if n.room -= more.length(); n.room < 0 {
			return
		}
		held[variant(p.format)] = true
		section.Payloads = append(section.Payloads, more)
	}
}

// variant tells formats apart that need payload types of their own.
func variant(f codec.Format) string {
	name := codec.Canonical(f.Name)
	if name != codec.H264 {
		return name
	}
	params := codec.Params(f.Fmtp)
	return name + " " + f.Profile() + " " + params["packetization-mode"]
}

// retransmission returns the payload type for retransmissions (RFC 4588 8.1) of a payload type, 0 for none. It needs NACK,
// and stays with video: a lost audio packet is resent as it was, on its own SSRC.
func retransmission(kind string, p payload, feedback []string, list []payload) uint8 {
	if kind != codec.Video.String() || !slices.Contains(feedback, "nack") {
		return 0
	}
	return repairOf(p.number, p.format.ClockRate, list)
}

// repairOf returns the payload type of the list that carries another one's retransmissions, 0 for none.
func repairOf(number uint8, clockRate uint32, list []payload) uint8 {
	apt := strconv.Itoa(int(number))
	for _, p := range list {
		if strings.EqualFold(p.format.Name, "rtx") && p.format.ClockRate == clockRate &&
			codec.Params(p.format.Fmtp)["apt"] == apt && p.number != number {
			return p.number
		}
	}
	return 0
}

// answerFmtp returns the format parameters that the answer states for a payload type.
func answerFmtp(offered, sent codec.Format) string {
	switch codec.Canonical(sent.Name) {
	case codec.H264:
		return answerH264(codec.Params(offered.Fmtp), codec.Params(sent.Fmtp))
	case codec.Opus:
		return answerOpus(codec.Params(offered.Fmtp), codec.Params(sent.Fmtp))
	case codec.VP9, codec.AV1, codec.H265:
		return echo(codec.Params(offered.Fmtp), "profile-id", "profile", "level-idx", "tier", "tier-flag", "level-id", "tx-mode")
	default:
		return ""
	}
}

// answerH264 repeats the offered configuration (RFC 6184 8.2.2: an answer keeps it or drops the payload type), level
// included, since strict clients compare whole values. What the offer leaves open is stated as it will be sent.
func answerH264(offered, sent map[string]string) string {
	answer := map[string]string{}
	for _, key := range [...]string{"packetization-mode", "profile-level-id"} {
		if value := offered[key]; value != "" {
			answer[key] = value
		} else if value := sent[key]; value != "" {
			answer[key] = value
		}
	}
	// Free levels need both sides (RFC 6184 8.1). An offer without parameters gets all of ours.
	if offered["level-asymmetry-allowed"] == "1" || len(offered) == 0 && sent["level-asymmetry-allowed"] == "1" {
		answer["level-asymmetry-allowed"] = "1"
	}
	return echo(answer, "level-asymmetry-allowed", "packetization-mode", "profile-level-id")
}

// answerOpus states what is sent (RFC 7587 6.1). sprop-stereo tells that there are two channels, which Firefox wants to
// hear; stereo is repeated from the offer, where Chrome and Safari put it when they want both.
func answerOpus(offered, sent map[string]string) string {
	answer := map[string]string{"minptime": sent["minptime"], "useinbandfec": sent["useinbandfec"]}
	if sent["sprop-stereo"] == "1" || sent["stereo"] == "1" {
		answer["sprop-stereo"] = "1"
		if offered["stereo"] == "1" {
			answer["stereo"] = "1"
		}
	}
	return echo(answer, "minptime", "stereo", "sprop-stereo", "useinbandfec")
}

// echo writes those of the named parameters that have a value fit to be repeated.
func echo(params map[string]string, keys ...string) string {
	var parts []string
	for _, key := range keys {
		if value := params[key]; token(value) {
			parts = append(parts, key+"="+value)
		}
	}
	return strings.Join(parts, ";")
}
