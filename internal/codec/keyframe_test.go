package codec_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"weir/internal/codec"
)

func TestKeyFrameStart(t *testing.T) {
	for _, row := range []struct {
		name, payload, what string
		want                bool
	}{
		{"H264", "6742e01f", "SPS", true},
		{"h264", "65888400", "IDR, name in lower case", true},
		{"H264", "68ce3880", "PPS alone", false},
		{"H264", "41e02040", "P slice", false},
		{"H264", "0605ff", "SEI", false},
		{"H264", "78000467420000000268ce", "STAP-A of SPS and PPS", true},
		{"H264", "7800020605000265ff", "STAP-A of SEI and IDR", true},
		{"H264", "78000241e0000268ce", "STAP-A of P slice and PPS", false},
		{"H264", "78ffff6742", "STAP-A that lies about a size", false},
		{"H264", "7800006742", "STAP-A with an empty unit", false},
		{"H264", "78", "STAP-A of nothing", false},
		{"H264", "7c8588", "FU-A, first of an IDR", true},
		{"H264", "7c0588", "FU-A, middle of an IDR", false},
		{"H264", "7c4588", "FU-A, last of an IDR", false},
		{"H264", "7c8188", "FU-A, first of a P slice", false},
		{"H264", "7c", "FU-A cut off", false},
		{"VP8", "10009d012a", "key frame, no extension", true},
		{"VP8", "1001", "inter frame", false},
		{"VP8", "0000", "not the start of a partition", false},
		{"VP8", "1100", "partition 1", false},
		{"VP8", "90801700", "picture id of 7 bits", true},
		{"VP8", "9080ff1700", "picture id of 15 bits", true},
		{"VP8", "90c080120500", "picture id of 15 bits, TL0PICIDX", true},
		{"VP8", "90f08012050100", "all extensions", true},
		{"VP8", "90f08012050101", "all extensions, inter frame", false},
		{"VP8", "90f0801205", "cut off in the extensions", false},
		{"VP8", "90", "cut off after X", false},
		{"VP8", "9080", "cut off after I", false},
		{"VP8", "10", "cut off after the descriptor", false},
		{"VP9", "0882", "first of a key frame", true},
		{"VP9", "4882", "inter frame", false},
		{"VP9", "0082", "middle of a frame", false},
		{"VP9", "a8170082", "picture id, layer 0", true},
		{"VP9", "a88017000082", "picture id of 15 bits, layer 0", true},
		{"VP9", "a8170282", "layer 1", false},
		{"VP9", "a8", "cut off", false},
		{"AV1", "180a", "first of a sequence", true},
		{"AV1", "100a", "later", false},
		{"AV1", "980a", "continued OBU", false},
		{"H265", "4001", "VPS", true},
		{"H265", "2601af", "IDR", true},
		{"H265", "0201d0", "trailing picture", false},
		{"H265", "6001000440010c01000442010101", "AP of VPS and SPS", true},
		{"H265", "600100020201", "AP of a trailing picture", false},
		{"H265", "6201 93af", "FU, first of an IDR", true},
		{"H265", "620113af", "FU, middle of an IDR", false},
		{"H265", "62", "FU cut off", false},
		{"opus", "6742", "audio", false},
		{"H264", "", "nothing", false},
	} {
		payload, err := hex.DecodeString(compact(row.payload))
		if err != nil {
			t.Fatal(err)
		}
		if got := codec.KeyFrameStart(row.name, payload); got != row.want {
			t.Errorf("%s, %s: got %t", row.name, row.what, got)
		}
	}
}

// compact takes the blanks out of hex.
func compact(s string) string {
	var out []byte
	for i := range len(s) {
		if s[i] != ' ' {
			out = append(out, s[i])
		}
	}
	return string(out)
}

func FuzzKeyFrameStart(f *testing.F) {
	names := []string{"H264", "VP8", "VP9", "AV1", "H265", "opus"}
	for i := range names {
		for _, seed := range []string{"6742e01f", "7800020605000265ff", "7c8588", "90f08012050100", "a8170082", "6001000440010c01", "620193af", ""} {
			payload, err := hex.DecodeString(seed)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), payload)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		name := names[int(which)%len(names)]
		found := codec.KeyFrameStart(name, payload)
		if found && (len(payload) == 0 || name == "opus") {
			t.Fatalf("%s: a key frame in %x", name, payload)
		}
		// What follows the first packet of a key frame does not change what it is, except inside an aggregation packet.
		if found && !codec.KeyFrameStart(name, append(slices.Clip(payload), 0)) {
			t.Fatalf("%s: %x is a key frame, and is none with a byte more", name, payload)
		}
	})
}
