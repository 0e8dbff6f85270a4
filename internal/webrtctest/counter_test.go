package webrtctest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

func TestCounter(t *testing.T) {
	t.Parallel()
	idr, slice := []byte{0x65, 0x88, 1}, []byte{0x41, 0x9a}
	now := time.Now()
	c := newCounter()
	c.begin("H264", 7, 102)
	for _, p := range []struct {
		sequence  uint16
		timestamp uint32
		marker    bool
		payload   []byte
	}{
		{65533, 1000, false, idr}, {65534, 1000, true, idr}, // one key frame
		{65534, 1000, true, idr},    // again
		{1, 4000, true, slice},      // 65535 and 0 are missing
		{0, 4000, false, slice},     // late
		{65500, 1000, false, slice}, // older than the first
		{4, 10000, true, slice},     // 2 and 3 are missing
	} {
		c.packet(&rtp.Header{SequenceNumber: p.sequence, Timestamp: p.timestamp, Marker: p.marker}, p.payload, now)
	}
	c.report([]rtcp.Packet{&rtcp.SenderReport{SSRC: 7, RTPTime: 1}, &rtcp.SenderReport{SSRC: 8}, &rtcp.SenderReport{SSRC: 7, RTPTime: 2}, &rtcp.Goodbye{}}, now)
	want := Stats{
		Codec: "H264", SSRC: 7, PayloadType: 102, Packets: 5, Bytes: 12, Recovered: 1, Duplicates: 2, Missing: 3,
		Frames: 3, KeyFrames: 1, Reports: 2, Goodbyes: 1, First: now, Last: now, FirstKey: true, Report: &rtcp.SenderReport{SSRC: 7, RTPTime: 2}, ReportAt: now,
	}
	if diff := cmp.Diff(want, c.snapshot()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	frames := []Frame{{Timestamp: 1000, At: now, Packets: 2, Key: true, Marker: true}, {Timestamp: 4000, At: now, Packets: 2, Marker: true}, {Timestamp: 10000, At: now, Packets: 1, Marker: true}}
	if diff := cmp.Diff(frames, c.allFrames()); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	ask := c.nacks(now)
	slices.Sort(ask)
	if !slices.Equal(ask, []uint16{2, 3, 65535}) {
		t.Errorf("asks for %v", ask)
	}
	if again := c.nacks(now.Add(nackWait / 2)); len(again) != 0 {
		t.Errorf("asks for %v again at once", again)
	}
	if again := c.nacks(now.Add(nackWait)); len(again) != 3 {
		t.Errorf("asks for %v later", again)
	}
}

func TestKeyFrame(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, codec string
		payload     []byte
		want        bool
	}{
		{"IDR", "H264", []byte{0x65, 1}, true},
		{"SPS", "H264", []byte{0x67, 1}, true},
		{"slice", "H264", []byte{0x41, 1}, false},
		{"STAP-A with SPS", "H264", []byte{0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1}, true},
		{"STAP-A with IDR behind", "H264", []byte{0x78, 0, 2, 0x06, 1, 0, 2, 0x65, 1}, true},
		{"STAP-A cut off", "H264", []byte{0x78, 0, 9, 0x06, 1}, false},
		{"FU-A start of IDR", "H264", []byte{0x7c, 0x85, 1}, true},
		{"FU-A middle of IDR", "H264", []byte{0x7c, 0x05, 1}, false},
		{"FU-A start of slice", "H264", []byte{0x5c, 0x81, 1}, false},
		{"key", "VP8", []byte{0x10, 0x00}, true},
		{"inter", "VP8", []byte{0x10, 0x01}, false},
		{"continued", "VP8", []byte{0x00, 0x00}, false},
		{"second partition", "VP8", []byte{0x11, 0x00}, false},
		{"key with a long picture id", "VP8", []byte{0x90, 0x80, 0x81, 0x01, 0x00}, true},
		{"key with everything", "VP8", []byte{0x90, 0xf0, 0x01, 0x01, 0x01, 0x00}, true},
		{"cut off", "VP8", []byte{0x90, 0x80}, false},
		{"sound", "opus", []byte{0x65, 1}, false},
	} {
		if got := keyFrame(test.codec, test.payload); got != test.want {
			t.Errorf("%s %s: %t", test.codec, test.name, got)
		}
	}
}
