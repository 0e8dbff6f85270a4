package codec_test

import (
	"fmt"
	"testing"

	"weir/internal/codec"
)

func h264(fmtp string) codec.Format { return codec.Format{Name: "H264", ClockRate: 90000, Fmtp: fmtp} }

func TestMatchH264(t *testing.T) {
	ours := "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	for _, row := range []struct {
		offered, sent string
		want          codec.Match
	}{
		// constrained baseline in all its spellings is one profile; the level is free
		{"packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1", ours, codec.MatchExact},
		{"packetization-mode=1;profile-level-id=42C01F", ours, codec.MatchExact},
		{"packetization-mode=1;profile-level-id=424034", ours, codec.MatchExact},
		{"packetization-mode=1;profile-level-id=42e00a", ours, codec.MatchExact},
		{"packetization-mode=1;profile-level-id=4d801f", ours, codec.MatchExact},
		{"packetization-mode=1;profile-level-id=58c01f", ours, codec.MatchExact},
		{"packetization-mode=1;profile-level-id=422001f", ours, codec.MatchExact}, // FFmpeg 8.0
		{"PACKETIZATION-MODE=1; Profile-Level-Id=42e01f", ours, codec.MatchExact},
		// receivers of more than we send
		{"packetization-mode=1;profile-level-id=42001f", ours, codec.MatchSuperset},
		{"packetization-mode=1;profile-level-id=4d001f", ours, codec.MatchSuperset},
		{"packetization-mode=1;profile-level-id=64001f", ours, codec.MatchSuperset},
		{"packetization-mode=1;profile-level-id=640c1f", ours, codec.MatchSuperset},
		// High 4:4:4, intra, Extended: nobody's decoder for us
		{"packetization-mode=1;profile-level-id=f4001f", ours, codec.MatchNone},
		{"packetization-mode=1;profile-level-id=64101f", ours, codec.MatchNone},
		{"packetization-mode=1;profile-level-id=58001f", ours, codec.MatchNone},
		// GStreamer: nothing stated, or half of it
		{"", ours, codec.MatchUnstated},
		{" ", ours, codec.MatchUnstated},
		{"packetization-mode=1", ours, codec.MatchUnstated},
		{"profile-level-id=42e016", ours, codec.MatchMode},
		{"profile-level-id=640c1f", ours, codec.MatchSuperset},
		// modes
		{"packetization-mode=0;profile-level-id=42e01f", ours, codec.MatchNone},
		{"packetization-mode=2;profile-level-id=42e01f", ours, codec.MatchNone},
		{"packetization-mode=0", ours, codec.MatchNone},
		{"packetization-mode=0;profile-level-id=42e01f", "profile-level-id=42e01f", codec.MatchExact},
		{"packetization-mode=1;profile-level-id=42e01f", "profile-level-id=42e01f", codec.MatchMode},
		// what others publish
		{"packetization-mode=1;profile-level-id=640c1f", "packetization-mode=1;profile-level-id=640c28", codec.MatchExact},
		{"packetization-mode=1;profile-level-id=64001f", "packetization-mode=1;profile-level-id=640c28", codec.MatchSuperset},
		{"packetization-mode=1;profile-level-id=64001f", "packetization-mode=1;profile-level-id=4d0028", codec.MatchSuperset},
		{"packetization-mode=1;profile-level-id=4d001f", "packetization-mode=1;profile-level-id=640028", codec.MatchNone},
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=4d0028", codec.MatchNone},
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=640028", codec.MatchNone},
		{"packetization-mode=1;profile-level-id=42001f", "packetization-mode=1;profile-level-id=42001f", codec.MatchExact},
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=42001f", codec.MatchBaseline},
		{"packetization-mode=1;profile-level-id=f4001f", "packetization-mode=1;profile-level-id=f4000a", codec.MatchExact},
		{"packetization-mode=1;profile-level-id=6e001f", "packetization-mode=1;profile-level-id=6e0028", codec.MatchExact},
		{"packetization-mode=1;profile-level-id=f4001f", "packetization-mode=1;profile-level-id=7a001f", codec.MatchNone},
		{"packetization-mode=1;profile-level-id=64001f", "packetization-mode=1;profile-level-id=f4001f", codec.MatchNone},
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=1", codec.MatchBaseline},
		// nonsense
		{"packetization-mode=1;profile-level-id=xyz", ours, codec.MatchNone},
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=+2e01f", codec.MatchNone},
	} {
		if got := h264(row.offered).Match(h264(row.sent)); got != row.want {
			t.Errorf("offered %q, sent %q: got %d, want %d", row.offered, row.sent, got, row.want)
		}
		if got := h264(row.offered).Accepts(h264(row.sent)); got != (row.want != codec.MatchNone) {
			t.Errorf("offered %q, sent %q: accepts %t", row.offered, row.sent, got)
		}
	}
}

func TestMatchOthers(t *testing.T) {
	type f = codec.Format
	opus := f{Name: "opus", ClockRate: 48000, Channels: 2, Fmtp: "minptime=10;sprop-stereo=1"}
	for _, row := range []struct {
		offered, sent f
		want          codec.Match
	}{
		{f{Name: "OPUS", ClockRate: 48000}, opus, codec.MatchExact},
		{f{Name: "opus", ClockRate: 48000, Channels: 2, Fmtp: "stereo=0"}, opus, codec.MatchExact},
		{f{Name: "opus", ClockRate: 48000, Channels: 6}, opus, codec.MatchNone},
		{f{Name: "opus", ClockRate: 16000, Channels: 2}, opus, codec.MatchNone},
		{f{Name: "multiopus", ClockRate: 48000, Channels: 2}, opus, codec.MatchNone},
		{f{Name: "PCMU", ClockRate: 8000, Channels: 1}, f{Name: "PCMU", ClockRate: 8000}, codec.MatchExact},
		{f{Name: "PCMU", ClockRate: 8000, Channels: 2}, f{Name: "PCMU", ClockRate: 8000}, codec.MatchNone},
		{f{Name: "vp8", ClockRate: 90000, Fmtp: "max-fs=12288"}, f{Name: "VP8", ClockRate: 90000}, codec.MatchExact},
		{f{Name: "VP8", ClockRate: 90000}, f{Name: "VP8", ClockRate: 90000}, codec.MatchExact},
		{f{Name: "VP8", ClockRate: 90000}, h264(""), codec.MatchNone},
		{f{Name: "VP9", ClockRate: 90000, Fmtp: "profile-id=0"}, f{Name: "VP9", ClockRate: 90000}, codec.MatchExact},
		{f{Name: "VP9", ClockRate: 90000, Fmtp: "max-fs=1"}, f{Name: "VP9", ClockRate: 90000, Fmtp: "profile-id=2"}, codec.MatchNone},
		{f{Name: "VP9", ClockRate: 90000}, f{Name: "VP9", ClockRate: 90000, Fmtp: "profile-id=2"}, codec.MatchUnstated},
		{f{Name: "AV1", ClockRate: 90000, Fmtp: "level-idx=5;profile=0;tier=0"}, f{Name: "AV1", ClockRate: 90000}, codec.MatchExact},
		{f{Name: "AV1", ClockRate: 90000, Fmtp: "profile=1"}, f{Name: "AV1", ClockRate: 90000}, codec.MatchNone},
		{f{Name: "H265", ClockRate: 90000, Fmtp: "profile-id=1;tier-flag=0"}, f{Name: "H265", ClockRate: 90000}, codec.MatchExact},
		{f{Name: "H265", ClockRate: 90000, Fmtp: "profile-id=2"}, f{Name: "H265", ClockRate: 90000}, codec.MatchNone},
	} {
		if got := row.offered.Match(row.sent); got != row.want {
			t.Errorf("offered %v, sent %v: got %d, want %d", row.offered, row.sent, got, row.want)
		}
	}
}

func TestProfileLevelID(t *testing.T) {
	for in, want := range map[string]string{
		"42e01f":    "42 e0 1f true",
		"640C1F":    "64 0c 1f true",
		"422001f":   "42 40 1f true", // FFmpeg 8.0: constrained baseline
		"6e8001f":   "6e 10 1f true", // FFmpeg 8.0: intra profile
		"640001f":   "64 00 1f true",
		"":          "00 00 00 false",
		"42e01":     "00 00 00 false",
		"42e01f00":  "00 00 00 false",
		"42e0_f":    "00 00 00 false",
		"+2e01f":    "00 00 00 false",
		"42e01g":    "00 00 00 false",
		"42e01\x19": "00 00 00 false",
	} {
		idc, constraints, level, ok := codec.ProfileLevelID(in)
		if got := fmt.Sprintf("%02x %02x %02x %t", idc, constraints, level, ok); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func FuzzProfileLevelID(f *testing.F) {
	for _, seed := range []string{"42e01f", "640c1f", "422001f", "", "+2e01f", "0x1234", "42E01F"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		idc, constraints, level, ok := codec.ProfileLevelID(s)
		if !ok && (idc != 0 || constraints != 0 || level != 0) {
			t.Fatalf("%q: values without ok", s)
		}
		if ok && len(s) == 6 {
			// What was parsed names the same profile when it is written down again.
			again := fmt.Sprintf("%02X%02X%02x", idc, constraints, level)
			if a, b, c, ok := codec.ProfileLevelID(again); !ok || a != idc || b != constraints || c != level {
				t.Fatalf("%q is not %q", s, again)
			}
		}
		offered := h264("packetization-mode=1;profile-level-id=" + s)
		if grade := offered.Match(h264("packetization-mode=1;profile-level-id=42e01f")); grade > codec.MatchExact {
			t.Fatalf("%q: grade %d", s, grade)
		}
	})
}

func TestProfile(t *testing.T) {
	for fmtp, want := range map[string]string{
		"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f": "constrained-baseline",
		"profile-level-id=42001f": "baseline", "profile-level-id=4d001f": "main", "profile-level-id=4DE01F": "constrained-baseline",
		"profile-level-id=64001f": "high", "profile-level-id=640c1f": "constrained-high",
		"profile-level-id=6e0033": "high-10", "profile-level-id=7a0033": "high-4:2:2", "profile-level-id=f4001f": "high-4:4:4", "profile-level-id=f4101f": "", "profile-level-id=1": "", "packetization-mode=1": "", "": "",
	} {
		if got := (codec.Format{Name: "h264", Fmtp: fmtp}).Profile(); got != want {
			t.Errorf("%q is %q, want %q", fmtp, got, want)
		}
	}
	if got := (codec.Format{Name: codec.H265, Fmtp: "profile-level-id=42e01f"}).Profile(); got != "" {
		t.Errorf("H265 is %q", got)
	}
}
