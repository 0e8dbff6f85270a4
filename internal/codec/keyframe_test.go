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
		{"VP9", "0886", "intra-only", false},
		{"VP9", "088a", "shown again", false},
		{"VP9", "08b1", "key frame of profile 3", true},
		{"VP9", "08b5", "intra-only of profile 3", false},
		{"VP9", "8a9234 18 0280 01e0 01 10 82", "flexible, structure with one size and one picture", true},
		{"VP9", "8a9234 18 0280 01e0 01 14 01 86", "the same, one reference, intra-only", false},
		{"VP9", "0a18", "structure cut off", true},
		{"AV1", "180a", "first of a sequence", true},
		{"AV1", "103200", "later", false},
		{"AV1", "980a", "continued OBU", false},
		{"AV1", "100a0b", "sequence header without N", true},
		{"AV1", "20020a0b3010", "sequence header, key frame", true},
		{"AV1", "20020a0b320130", "sequence header, inter frame", false},
		{"AV1", "00020a0b023010", "sequence header, key frame, sizes for all", true},
		{"AV1", "20020a0b340030", "sequence header, frame with extension, inter", false},
		{"AV1", "20ff0a", "size beyond the packet", false},
		{"AV1", "2080808080", "size without an end", false},
		{"AV1", "10", "nothing behind the aggregation header", false},
		{"H265", "4001", "VPS", true},
		{"H265", "2601af", "IDR", true},
		{"H265", "0201d0", "trailing picture", false},
		{"H265", "6001000440010c01000442010101", "AP of VPS and SPS", true},
		{"H265", "600100020201", "AP of a trailing picture", false},
		{"H265", "6201 93af", "FU, first of an IDR", true},
		{"H265", "620113af", "FU, middle of an IDR", false},
		{"H265", "62", "FU cut off", false},
		{"H265", "4401c1", "PPS alone", false},
		{"H265", "2a01af", "CRA", true},
		{"H265", "60", "AP cut off", false},
		{"H264", "7c8742", "FU-A, first of an SPS", true},
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

// What libx264 makes: slices of P and B pictures, alone, in an FU-A and beside a delimiter.
func TestBSlices(t *testing.T) {
	const first = codec.ContentFirst
	for _, row := range []struct {
		name, payload, what string
		want                codec.Content
	}{
		{"H264", "419a246c", "P", codec.ContentSlice | first},
		{"H264", "41e0aa", "P, of type 0", codec.ContentSlice | first},
		{"H264", "019e426a", "B", codec.ContentSlice | first | codec.ContentB},
		{"H264", "01a8ab", "B, of type 1", codec.ContentSlice | first | codec.ContentB},
		{"H264", "5c81 9e62", "FU-A, first of a B", codec.ContentSlice | first | codec.ContentB},
		{"H264", "5c01 9e62", "FU-A, middle of a B", 0},
		{"H264", "78 0002 0930 0003 019e42", "STAP-A of a delimiter and a B", codec.ContentSlice | first | codec.ContentB},
		{"H264", "0104 9e", "second slice", codec.ContentSlice},
		{"H264", "6588", "IDR", codec.ContentKey | first},
		{"H264", "01", "cut off", codec.ContentSlice},
		{"H265", "0201d0", "trailing picture", codec.ContentSlice | first},
		{"VP8", "019e", "another codec", 0},
		{"H264", "", "nothing", 0},
	} {
		payload, err := hex.DecodeString(compact(row.payload))
		if err != nil {
			t.Fatal(err)
		}
		if got := codec.ContentOf(row.name, payload); got != row.want {
			t.Errorf("%s, %s: got %b, want %b", row.name, row.what, got, row.want)
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
		for _, seed := range []string{
			"6742e01f", "7800020605000265ff", "7c8588", "90f08012050100", "a8170082", "6001000440010c01", "620193af",
			"8a92341802800190011082", "20020a0b3010", "00020a0b023010", "",
		} {
			f.Add(uint8(i), unhex(f, seed))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		name := names[int(which)%len(names)]
		found := codec.KeyFrameStart(name, payload)
		if found && (len(payload) == 0 || name == "opus") {
			t.Fatalf("%s: a key frame in %x", name, payload)
		}
		const key = codec.ContentKey | codec.ContentSPS | codec.ContentVPS
		if c := codec.ContentOf(name, payload); name[0] == 'H' && found != (c&key != 0) || c&codec.ContentB != 0 && c&codec.ContentFirst == 0 {
			t.Fatalf("%s: %b begins in %x", name, c, payload)
		}
		// What follows the first packet of a key frame does not change what it is, but for a frame header that was cut off.
		if found && name != "AV1" && name != "VP9" && !codec.KeyFrameStart(name, append(slices.Clip(payload), 0)) {
			t.Fatalf("%s: %x is a key frame, and is none with a byte more", name, payload)
		}
	})
}
