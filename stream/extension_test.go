package stream_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/pion/rtp"

	"weir/stream"
)

// Header extensions that pass go out under each viewer's own ids; the others end
// here, and so does what a viewer has not negotiated.
func TestHeaderExtensions(t *testing.T) {
	const sendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	descriptor := bytes.Repeat([]byte{7}, 40) // too long for the form of one byte
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		spec := h264()
		spec.Extensions = map[uint8]string{
			1: stream.AbsCaptureTime, 2: sendTime, 3: stream.VideoOrientation, 4: stream.DependencyDescriptor,
		}
		p := publish(t, r, "a", spec)
		lines := []stream.Line{
			{SSRC: 1, PayloadType: 96, Extensions: map[string]uint8{stream.AbsCaptureTime: 9, stream.VideoOrientation: 13, sendTime: 3}},
			{SSRC: 1, PayloadType: 96, Mixed: true, Extensions: map[string]uint8{stream.DependencyDescriptor: 20, stream.AbsCaptureTime: 9}},
			{SSRC: 1, PayloadType: 96, Extensions: map[string]uint8{stream.DependencyDescriptor: 5}},
			{SSRC: 1, PayloadType: 96},
		}
		var got []*recorder
		for _, l := range lines {
			v, err := p.Stream().AddViewer(p.Tracks())
			if err != nil {
				t.Fatal(err)
			}
			rec := newRecorder()
			v.DownTracks()[0].Attach(l, func(stream.Flusher) stream.Outlet { return rec })
			v.Start()
			t.Cleanup(v.Close)
			got = append(got, rec)
		}
		synctest.Wait()
		for n := range uint16(2) {
			pkt := packet(n, 3000*uint32(n), keyFrame(uint32(n)))
			pkt.Extension, pkt.ExtensionProfile = true, rtp.ExtensionProfileTwoByte
			for id, b := range [][]byte{1: {0, 1, 2, 3, 4, 5, 6, byte(n)}, 2: {1, 1, 1}, 3: {2}, 4: descriptor} {
				if id == 0 || id == 3 && n == 1 {
					continue
				}
				if err := pkt.SetExtension(uint8(id), b); err != nil {
					t.Fatal(err)
				}
			}
			p.Tracks()[0].WriteRTP(p, pkt)
			synctest.Wait()
		}
		synctest.Wait()
		for i, want := range []map[uint8][]byte{
			{9: {0, 1, 2, 3, 4, 5, 6, 1}},
			{9: {0, 1, 2, 3, 4, 5, 6, 1}, 20: descriptor},
			{},
			{},
		} {
			sent := got[i].packets()
			if len(sent) != 2 {
				t.Fatalf("viewer %d: %d packets", i, len(sent))
			}
			if i == 0 && !bytes.Equal(sent[0].header.GetExtension(13), []byte{2}) {
				t.Errorf("orientation %x", sent[0].header.GetExtension(13))
			}
			raw, err := (&rtp.Packet{Header: sent[1].header, Payload: sent[1].payload}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			var read rtp.Packet
			if err := read.Unmarshal(raw); err != nil {
				t.Fatal(err)
			}
			if n := len(read.GetExtensionIDs()); n != len(want) {
				t.Errorf("viewer %d: extensions %v", i, read.GetExtensionIDs())
			}
			for id, b := range want {
				if !bytes.Equal(read.GetExtension(id), b) {
					t.Errorf("viewer %d: extension %d is %x, want %x", i, id, read.GetExtension(id), b)
				}
			}
		}
	})
}
