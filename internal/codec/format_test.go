package codec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
)

func TestFormatDescribesItself(t *testing.T) {
	for _, row := range []struct {
		format     codec.Format
		text, mime string
		kind       codec.Kind
	}{
		{h264("packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1"), "H264 42e01f packetization-mode=1", "video/H264", codec.Video},
		{h264(""), "H264", "video/H264", codec.Video},
		{codec.Format{Name: "opus", ClockRate: 48000, Channels: 2, Fmtp: "minptime=10"}, "opus/48000/2", "audio/opus", codec.Audio},
		{codec.Format{Name: "PCMU", ClockRate: 8000, Channels: 1}, "PCMU/8000", "audio/PCMU", codec.Audio},
		{codec.Format{Name: "VP8", ClockRate: 90000}, "VP8", "video/VP8", codec.Video},
		{codec.Format{Name: "VP9", ClockRate: 90000, Fmtp: "profile-id=2"}, "VP9 profile-id=2", "video/VP9", codec.Video},
		{codec.Format{Name: "AV1", ClockRate: 90000, Fmtp: "profile=0;tier=0"}, "AV1 profile=0", "video/AV1", codec.Video},
		{codec.Format{Name: "L16", ClockRate: 44100, Channels: 2}, "L16/44100/2", "video/L16", 0},
	} {
		if got := row.format.String(); got != row.text {
			t.Errorf("String: got %q, want %q", got, row.text)
		}
		if got := row.format.MimeType(); got != row.mime {
			t.Errorf("MimeType: got %q, want %q", got, row.mime)
		}
		if got := row.format.Kind(); got != row.kind {
			t.Errorf("%s: kind %q, want %q", row.text, got, row.kind)
		}
	}
}

func TestKindIsSpelledAsInSDP(t *testing.T) {
	if got := codec.Audio.String() + codec.Video.String() + codec.Kind(0).String(); got != "audiovideo" {
		t.Errorf("got %q", got)
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{"OPUS": "opus", "h264": "H264", "H264": "H264", "pcmu": "PCMU", "RTX": "rtx", "ILBC": "ILBC", "": ""} {
		if got := codec.Canonical(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestParams(t *testing.T) {
	for in, want := range map[string]map[string]string{
		"":                                   {},
		" ; ;":                               {},
		"apt=96":                             {"apt": "96"},
		"Profile-Level-Id = 42e01f ; a=b=c;": {"profile-level-id": "42e01f", "a": "b=c"},
		"111/111":                            {"111/111": ""},
		"a=1;A=2":                            {"a": "1"},
	} {
		if diff := cmp.Diff(want, codec.Params(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}
