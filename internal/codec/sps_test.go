package codec_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
)

// Sets made by x264 and x265, and the clip's.
const (
	baselineSPS = "6742c01fd9005005bb011000000300100000030320f1832480"
	baselinePPS = "68cb83cb20"
	highSPS     = "67640028acd94078044fde0220000003002000000643e2c5b2c0"
	h265VPS     = "40010c01ffff016000000300900000030000030078959809"
	h265SPS     = "420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84"
	h265PPS     = "4401c172b46240"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(compact(s))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestParseH264SPS(t *testing.T) {
	for _, row := range []struct {
		unit string
		want codec.SPS
	}{
		{baselineSPS, codec.SPS{ProfileIDC: 0x42, Constraints: 0xc0, Level: 31, Width: 1280, Height: 720, BitDepth: 8, FrameMBSOnly: true, FrameDuration: 40 * time.Millisecond}},
		{"674d4028eca03c0113f2e022000003000200000300641e30632c", codec.SPS{ProfileIDC: 0x4d, Constraints: 0x40, Level: 40, Width: 1920, Height: 1080, BitDepth: 8, FrameMBSOnly: true, FrameDuration: 40 * time.Millisecond}},
		{highSPS, codec.SPS{ProfileIDC: 0x64, Level: 40, Width: 1920, Height: 1080, BitDepth: 8, FrameDuration: 40 * time.Millisecond}},
		{"67f4001e919b281405fdc5e022000003000200000300641e2c5b2c", codec.SPS{ProfileIDC: 0xf4, Level: 30, Width: 638, Height: 358, BitDepth: 8, FrameMBSOnly: true, FrameDuration: 40 * time.Millisecond}},
		{"676e001ea6cd940d83de6f011000000300100000030320f162d960", codec.SPS{ProfileIDC: 0x6e, Level: 30, Width: 854, Height: 480, BitDepth: 10, FrameMBSOnly: true, FrameDuration: 40 * time.Millisecond}},
		{"6742c01eda0280bfe5", codec.SPS{ProfileIDC: 0x42, Constraints: 0xc0, Level: 30, Width: 640, Height: 360, BitDepth: 8, FrameMBSOnly: true}},
	} {
		got, err := codec.ParseH264SPS(unhex(t, row.unit))
		if d := cmp.Diff(row.want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", row.unit, err, d)
		}
	}
}

func TestParseH265SPS(t *testing.T) {
	for _, row := range []struct {
		unit string
		want codec.SPS
	}{
		{h265SPS, codec.SPS{ProfileIDC: 1, Compatible: 0x60000000, Level: 120, Width: 1920, Height: 1080, BitDepth: 8, Reordered: 2, FrameDuration: 40 * time.Millisecond}},
		{"42010101600000030090000003000003003ca00a080b9f7964a924caf0168080000003008000000f04", codec.SPS{ProfileIDC: 1, Compatible: 0x60000000, Level: 60, Width: 320, Height: 180, BitDepth: 8, FrameDuration: 33333333}}, // x265 with bframes=0
		{"42010102200000030090000003000003003fa005020169d5365959a4932bc05a020000030002000003003210", codec.SPS{ProfileIDC: 2, Compatible: 0x20000000, Level: 63, Width: 638, Height: 358, BitDepth: 10, Reordered: 2, FrameDuration: 40 * time.Millisecond}},
	} {
		got, err := codec.ParseH265SPS(unhex(t, row.unit))
		if d := cmp.Diff(row.want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", row.unit, err, d)
		}
	}
}

func TestHostileSPS(t *testing.T) {
	for _, unit := range []string{
		"", "67", "6742e01f", "68cb83cb20", "6742c01f0000000000000000000000", "6764001fffffffffffffffffffffffffff",
		"6742c01fd9005005", baselineSPS[:12],
		"6742c01fda0000000000000000000000000000",
	} {
		if s, err := codec.ParseH264SPS(unhex(t, unit)); err == nil {
			t.Errorf("%q is %+v", unit, s)
		}
	}
	for _, unit := range []string{"", "4201", h265SPS[:30], "42010f" + h265SPS[6:], h265PPS} {
		if s, err := codec.ParseH265SPS(unhex(t, unit)); err == nil {
			t.Errorf("%q is %+v", unit, s)
		}
	}
}

func base64s(tb testing.TB, s string) string {
	tb.Helper()
	return base64.StdEncoding.EncodeToString(unhex(tb, s))
}

// Declared sets serve until the packets bring others; both are put into one packet that reads as the sets again.
func TestParameterSetsDeclared(t *testing.T) {
	for _, row := range []struct {
		format codec.Format
		want   string
	}{
		{
			h264("packetization-mode=1;profile-level-id=42e01f;sprop-parameter-sets=" + base64s(t, highSPS) + "," + base64s(t, baselinePPS)),
			"78" + "001a" + highSPS + "0005" + baselinePPS,
		},
		{codec.Format{Name: "H265", ClockRate: 90000, Fmtp: "sprop-vps=" + base64s(t, h265VPS) + "; sprop-sps=" + base64s(t, h265SPS) +
			";sprop-pps=" + base64s(t, h265PPS)}, "6001" + "0018" + h265VPS + "002a" + h265SPS + "0007" + h265PPS},
	} {
		s := codec.NewParameterSets(row.format)
		if !s.Complete() {
			t.Fatalf("%s: not complete", row.format)
		}
		got := s.Payloads(1200)
		if len(got) != 1 || hex.EncodeToString(got[0]) != row.want {
			t.Fatalf("%s: %x, want %s", row.format, got, row.want)
		}
		again := codec.NewParameterSets(codec.Format{Name: row.format.Name})
		if c := again.Read(got[0]); again.Missing(c) || !again.Complete() || c&codec.ContentKey != 0 {
			t.Errorf("%s: read again: %b, complete %t", row.format, c, again.Complete())
		}
		if !codec.KeyFrameStart(row.format.Name, got[0]) {
			t.Errorf("%s: no start of a key frame", row.format)
		}
	}
}

// The real profile is the set's, not the declared one.
func TestParameterSetsFormat(t *testing.T) {
	s := codec.NewParameterSets(h264("level-asymmetry-allowed=1;profile-level-id=42e01f;packetization-mode=1"))
	if f := s.Format(); f.Fmtp != "level-asymmetry-allowed=1;profile-level-id=42e01f;packetization-mode=1" {
		t.Errorf("declared: %q", f.Fmtp)
	}
	before := s.Generation()
	s.Read(unhex(t, highSPS))
	if f := s.Format(); f.Fmtp != "level-asymmetry-allowed=1;profile-level-id=640028;packetization-mode=1" || f.Profile() != "high" {
		t.Errorf("in band: %q", f.Fmtp)
	}
	if s.Generation() == before {
		t.Error("the change shows nowhere")
	}
	before = s.Generation()
	s.Read(unhex(t, highSPS))
	if s.Generation() != before {
		t.Error("the same set again counts as a change")
	}
	s = codec.NewParameterSets(codec.Format{Name: "H265", ClockRate: 90000})
	s.Read(unhex(t, h265SPS))
	if f := s.Format(); f.Fmtp != "profile-space=0;profile-id=1;tier-flag=0;level-id=120" {
		t.Errorf("H265: %q", f.Fmtp)
	}
	if codec.NewParameterSets(codec.Format{Name: "VP8"}) != nil {
		t.Error("VP8 has parameter sets")
	}
}

// A set replaces the one with its number; others stay, up to a bound; mode 0 gets a packet a set.
func TestParameterSetsAreKept(t *testing.T) {
	s := codec.NewParameterSets(h264("profile-level-id=42e01f"))
	if s.Payloads(1200) != nil || s.Complete() {
		t.Error("sets out of nothing")
	}
	sps := unhex(t, baselineSPS)
	s.Read(append([]byte{0x78, 0, byte(len(sps))}, append(sps, unhex(t, "0005"+baselinePPS)...)...))
	s.Read(unhex(t, highSPS))                // number 0 too
	s.Read(unhex(t, "684bff"))               // picture set 1
	s.Read(unhex(t, "67"+highSPS[2:12]))     // cut off
	s.Read(bytes.Repeat([]byte{0x68}, 2000)) // too long
	var got []string
	for _, b := range s.Payloads(1200) {
		got = append(got, hex.EncodeToString(b))
	}
	if d := cmp.Diff([]string{highSPS, baselinePPS, "684bff"}, got); d != "" {
		t.Error(d)
	}
	for n := range byte(60) {
		s.Read([]byte{0x68, 0x02, n<<2 | 2, 0x80})
	}
	if n := len(s.Payloads(1200)); n > 9 {
		t.Errorf("%d sets kept", n)
	}
	if s.Payloads(10) != nil {
		t.Error("sets longer than a packet")
	}
}

func FuzzSPS(f *testing.F) {
	for _, seed := range []string{baselineSPS, highSPS, h265SPS, h265VPS, "6742e01f", "6764001fffffffffffffffffffffffffff", "42010f"} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, unit []byte) {
		for name, parse := range map[string]func([]byte) (codec.SPS, error){"H264": codec.ParseH264SPS, "H265": codec.ParseH265SPS} {
			s, err := parse(unit)
			if err != nil {
				if s != (codec.SPS{}) {
					t.Fatalf("%s: %+v with an error", name, s)
				}
				continue
			}
			if s.Width == 0 || s.Height == 0 || s.Width > 1<<16 || s.Height > 1<<16 {
				t.Fatalf("%s: %d×%d", name, s.Width, s.Height)
			}
		}
		if was, err := codec.ParseH264SPS(unit); err == nil {
			if is, err := codec.ParseH264SPS(codec.H264InBT601(unit)); err != nil || is != was {
				t.Fatalf("%+v, and with colours %+v %v", was, is, err)
			}
		}
	})
}

// Whatever comes, what is put out is no longer than allowed and reads as complete.
func FuzzParameterSets(f *testing.F) {
	for _, hevc := range []bool{false, true} {
		for _, seed := range []string{baselineSPS, baselinePPS, h265VPS, h265SPS, h265PPS, "78" + "0019" + baselineSPS + "0005" + baselinePPS, "6001" + "0018" + h265VPS + "002a" + h265SPS + "0007" + h265PPS} {
			f.Add(hevc, "packetization-mode=1;sprop-parameter-sets="+base64s(f, highSPS), unhex(f, seed), unhex(f, baselinePPS))
			f.Add(hevc, "sprop-vps=,;sprop-sps="+base64s(f, h265SPS), unhex(f, seed), unhex(f, h265PPS))
		}
	}
	f.Fuzz(func(t *testing.T, hevc bool, fmtp string, a, b []byte) {
		format := codec.Format{Name: "H264", ClockRate: 90000, Fmtp: fmtp}
		if hevc {
			format.Name = "H265"
		}
		s := codec.NewParameterSets(format)
		s.Read(a)
		s.Read(b)
		out := s.Payloads(1200)
		again := codec.NewParameterSets(codec.Format{Name: format.Name})
		for _, p := range out {
			if len(p) > 1200 || len(p) == 0 {
				t.Fatalf("%d bytes", len(p))
			}
			again.Read(p)
		}
		if len(out) > 0 && (!again.Complete() || !s.Complete()) {
			t.Fatalf("%x is not complete", out)
		}
		s.Format()
	})
}
