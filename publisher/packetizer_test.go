package publisher

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
	"weir/internal/mediatest"
)

// Numbers go on from unit to unit, the marker ends a picture, and no payload is larger than allowed.
func TestPackets(t *testing.T) {
	for _, f := range []codec.Format{H264(), VP8(), Opus()} {
		p, err := NewPacketizer(f)
		if err != nil {
			t.Fatal(err)
		}
		video := f.Kind() == codec.Video
		sequence, ssrc := p.sequence, p.ssrc
		for i := range uint32(200) {
			unit := append([]byte{0, 0, 0, 1, 0x41}, bytes.Repeat([]byte{byte(i) | 1}, 4000)...)
			if !video {
				unit = unit[:200]
			}
			packets := p.Packets(unit, i*3000)
			if video && len(packets) != 4 || !video && len(packets) != 1 {
				t.Fatalf("%s: %d packets", f, len(packets))
			}
			for j, pkt := range packets {
				if len(pkt.Payload) > 1200 {
					t.Errorf("%s: payload of %d bytes", f, len(pkt.Payload))
				}
				if pkt.SequenceNumber != sequence || pkt.SSRC != ssrc || pkt.Timestamp != i*3000 {
					t.Fatalf("%s: header %+v, want sequence %d", f, pkt.Header, sequence)
				}
				if pkt.Marker != (video && j == len(packets)-1) {
					t.Errorf("%s: marker of packet %d is %v", f, j, pkt.Marker)
				}
				sequence++
			}
		}
	}
	if _, err := NewPacketizer(codec.Format{Name: codec.PCMU, ClockRate: 8000}); err == nil {
		t.Error("a packetizer for PCMU")
	}
}

// The VP8 payload descriptor has no picture id: pion leaves out the id 0, and libwebrtc stalls on that.
func TestVP8HasNoPictureID(t *testing.T) {
	p, err := NewPacketizer(VP8())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, pkt := range p.Packets(make([]byte, 3000), 0) {
			if pkt.Payload[0]&0x80 != 0 {
				t.Errorf("descriptor %x has an extension", pkt.Payload[0])
			}
		}
	}
}

// A frame that shows an earlier one again is no key frame.
func TestVP9ShowsAgain(t *testing.T) {
	p, err := NewPacketizer(codec.Format{Name: codec.VP9, ClockRate: 90000})
	if err != nil {
		t.Fatal(err)
	}
	packets := p.Packets([]byte{0x88, 0x02}, 0)
	if len(packets) != 1 || packets[0].Payload[0]&0x42 != 0x40 || !bytes.HasSuffix(packets[0].Payload, []byte{0x88, 0x02}) {
		t.Errorf("packets %v", packets)
	}
	if codec.KeyFrameStart(codec.VP9, packets[0].Payload) {
		t.Error("a key frame")
	}
}

func types(b []byte) []byte {
	var got []byte
	for nal := range codec.NALUnits(b) {
		got = append(got, nal[0]&0x1f)
	}
	return got
}

// An IDR picture without parameter sets gets the last ones; nothing else is changed.
func TestParameterSets(t *testing.T) {
	var s parameterSets
	for _, c := range []struct{ in, want []byte }{
		{[]byte{5}, []byte{5}}, // none known yet
		{[]byte{7, 8, 5}, []byte{7, 8, 5}},
		{[]byte{1}, []byte{1}},
		{[]byte{6, 1}, []byte{6, 1}},
		{[]byte{5}, []byte{7, 8, 5}},
		{[]byte{6, 5, 5}, []byte{7, 8, 6, 5, 5}},
		{[]byte{7, 8, 6, 5}, []byte{7, 8, 6, 5}},
	} {
		if d := cmp.Diff(c.want, types(s.complete(mediatest.NALUnits(c.in...)))); d != "" {
			t.Errorf("%v: %s", c.in, d)
		}
	}
}
