// Package codec says what the bytes of a codec mean: which RTP payload format an SDP line names, whether a receiver that
// offered one format takes a stream sent in another, and where key frames begin. It holds no state, starts nothing, and
// every function may be called from any goroutine.
package codec

import (
	"strconv"
	"strings"
)

// Kind is a kind of media.
type Kind uint8

// The kinds of media that a stream can have; the zero Kind is neither.
const (
	Audio Kind = iota + 1
	Video
)

// String returns the kind as an SDP media line spells it (RFC 8866 5.14), "" for the zero Kind.
func (k Kind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	default:
		return ""
	}
}

// Encoding names in the case that this program writes. SDP compares them without regard to case (RFC 4855 3): Canonical.
const (
	H264 = "H264"
	H265 = "H265"
	VP8  = "VP8"
	VP9  = "VP9"
	AV1  = "AV1"
	Opus = "opus"
	PCMU = "PCMU"
	PCMA = "PCMA"
	G722 = "G722"
)

// Format is an RTP payload format as SDP describes it: a=rtpmap (RFC 8866 6.6) and a=fmtp (6.15).
type Format struct {
	Name      string // encoding name in canonical case
	ClockRate uint32 // Hz
	Channels  uint8  // of audio; 0 means 1, as in an rtpmap without the third part
	Fmtp      string // parameters after the payload type, "" for none
}

// Kind tells audio from video by the encoding name; 0 for a name that is neither known nor usable (rtx, red).
func (f Format) Kind() Kind {
	switch Canonical(f.Name) {
	case H264, H265, VP8, VP9, AV1:
		return Video
	case Opus, PCMU, PCMA, G722:
		return Audio
	default:
		return 0
	}
}

// MimeType returns the media type of the format without parameters, such as "video/H264". A name of no known kind
// (rtx) counts as video.
func (f Format) MimeType() string {
	if f.Kind() == Audio {
		return "audio/" + f.Name
	}
	return "video/" + f.Name
}

// String describes the format in one short line for refusals and logs: "H264 42e01f packetization-mode=1",
// "opus/48000/2", "VP9 profile-id=2".
func (f Format) String() string {
	var b strings.Builder
	b.WriteString(f.Name)
	if f.Kind() == Audio || f.ClockRate != 90000 && f.ClockRate != 0 {
		b.WriteString("/" + strconv.FormatUint(uint64(f.ClockRate), 10))
		if f.Channels > 1 {
			b.WriteString("/" + strconv.Itoa(int(f.Channels)))
		}
	}
	params := Params(f.Fmtp)
	if id := params["profile-level-id"]; id != "" && Canonical(f.Name) == H264 {
		b.WriteString(" " + id)
	}
	for _, key := range [...]string{"packetization-mode", "profile-id", "profile"} {
		if value, ok := params[key]; ok {
			b.WriteString(" " + key + "=" + value)
		}
	}
	return b.String()
}

// Canonical returns the encoding name in the case that this program writes ("OPUS" gives "opus"); an unknown name
// comes back as it is.
func Canonical(name string) string {
	for _, known := range [...]string{H264, H265, VP8, VP9, AV1, Opus, PCMU, PCMA, G722, "rtx", "red", "ulpfec"} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}

// Params splits format parameters ("a=1;b=2") into a map with keys in lower case. Blanks around keys and values go, a
// key without "=" gets the empty value, and the first of two equal keys counts.
func Params(fmtp string) map[string]string {
	params := make(map[string]string)
	for part := range strings.SplitSeq(fmtp, ";") {
		key, value, _ := strings.Cut(part, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if _, seen := params[key]; key == "" || seen {
			continue
		}
		params[key] = strings.TrimSpace(value)
	}
	return params
}
