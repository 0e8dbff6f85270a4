package stream_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/codec"
	"weir/stream"
)

func vp8() stream.Spec {
	return stream.Spec{Format: codec.Format{Name: codec.VP8, ClockRate: 90000}}
}

// both is the answer of a viewer that takes H.264 in two profiles, and VP8.
func both() []stream.Payload {
	return []stream.Payload{
		{Format: codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=42e01f"}, PayloadType: 102, RTXPayloadType: 103},
		{Format: codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=64001f"}, PayloadType: 104, RTXPayloadType: 105},
		{Format: codec.Format{Name: codec.VP8, ClockRate: 90000}, PayloadType: 96, RTXPayloadType: 97},
	}
}

// follower adds a viewer of the publication's first video track, and audio if
// there is any.
func follower(t *testing.T, p *stream.Publication, out stream.Outlet, payloads []stream.Payload) (*stream.Viewer, chan string) {
	t.Helper()
	var tracks []*stream.Track
	kinds := map[codec.Kind]bool{}
	for _, tr := range p.Tracks() {
		if !kinds[tr.Kind()] {
			kinds[tr.Kind()] = true
			tracks = append(tracks, tr)
		}
	}
	v, err := p.Stream().AddViewer(tracks)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range v.DownTracks() {
		l := stream.Line{SSRC: uint32(i + 1), RTXSSRC: uint32(i + 101), PayloadType: 111, RTXPayloadType: 112}
		if d.Track().Kind() == codec.Video {
			l.Payloads = payloads
		}
		d.Attach(l, func(stream.Flusher) stream.Outlet { return out })
	}
	lost := make(chan string, 4)
	v.OnLost(func(reason string) { lost <- reason })
	v.Start()
	t.Cleanup(v.Close)
	return v, lost
}

// writeVP8 writes frames of one packet, 30 a second, the first a key frame.
func writeVP8(t *stream.Track, p *stream.Publication, seq uint16, timestamp uint32, frames int) {
	for n := range frames {
		frame := byte(1)
		if n == 0 {
			frame = 0
		}
		t.WriteRTP(p, packet(seq+uint16(n), timestamp+uint32(3000*n), []byte{0x10, frame, byte(n)}))
		time.Sleep(pictureTime)
	}
}

// The codec that the publisher sends decides, and a viewer whose answer holds it
// goes on by payload type on one line; the real profile chooses among those of
// H.264.
func TestViewerFollowsCodec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p, err := r.PublishWith("test", stream.PublishOptions{By: "a", Specs: []stream.Spec{h264(), vp8()}, Alternatives: true})
		if err != nil {
			t.Fatal(err)
		}
		rec := newRecorder()
		v, lost := follower(t, p, rec, both())
		d := v.DownTracks()[0]
		film := newFilm(t, p, 120)
		film.until(time.Second)
		high := len(rec.packets())
		time.Sleep(pictureTime)
		writeVP8(p.Tracks()[1], p, 7, 123_456_789, 30)
		if d.Track() != p.Tracks()[1] || p.Tracks()[0].Live() || !p.Tracks()[1].Live() {
			t.Error("the viewer is not where the media are")
		}
		changed := len(rec.packets())
		film.track.WriteRTP(p, film.next()[0]) // a straggler
		synctest.Wait()
		if d.Track() != p.Tracks()[1] {
			t.Error("a straggler moved the viewer")
		}
		film.picture, film.start = 120, film.start.Add(-2*time.Second+pictureTime)
		film.until(5 * time.Second)
		synctest.Wait()
		got := rec.packets()
		for i, s := range got {
			want := uint8(104)
			if i >= high && i < changed {
				want = 96
			}
			if s.header.PayloadType != want {
				t.Fatalf("packet %d has payload type %d, want %d", i, s.header.PayloadType, want)
			}
			if i == 0 {
				continue
			}
			if n := s.header.SequenceNumber - got[i-1].header.SequenceNumber; n != 1 {
				t.Fatalf("packet %d: number +%d", i, n)
			}
			step := int32(s.header.Timestamp - got[i-1].header.Timestamp)
			if step != 0 && (step < 2900 || step > 3100) {
				t.Fatalf("packet %d: timestamp +%d", i, step)
			}
		}
		if len(got) <= changed+100 || len(lost) > 0 {
			t.Errorf("%d packets after %d, lost %d", len(got), changed, len(lost))
		}
		checkCounts(t, v)
	})
}

// A viewer whose answer lacks the new codec is told, once; the others go on over
// the take-over.
func TestViewerThatCannotFollowIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		o := stream.PublishOptions{By: "a", Specs: []stream.Spec{h264(), opus()}, Alternatives: true}
		p, err := r.PublishWith("test", o)
		if err != nil {
			t.Fatal(err)
		}
		one, two := newRecorder(), newRecorder()
		_, lostOne := follower(t, p, one, both()[:2])
		v, lostTwo := follower(t, p, two, both())
		src := newSource(p, 10)
		for range 5 {
			src.write()
			synctest.Wait()
		}
		o.Specs = []stream.Spec{vp8(), opus()}
		p, err = r.PublishWith("test", o)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(lostOne) != 0 {
			t.Error("told before anything came")
		}
		writeVP8(p.Tracks()[0], p, 7, 5, 10)
		synctest.Wait()
		if len(lostOne) != 1 || <-lostOne != "codec_changed" || len(lostTwo) != 0 {
			t.Errorf("told %d and %d times", len(lostOne), len(lostTwo))
		}
		if a, b := len(one.packets()), len(two.packets()); a != 5 || b != 15 {
			t.Errorf("%d and %d packets", a, b)
		}
		if v.DownTracks()[0].Track() != p.Tracks()[0] || v.DownTracks()[1].Track() != p.Tracks()[1] {
			t.Error("the viewer is on other tracks")
		}
	})
}

// Where every track is fed, a viewer stays on its own, and moves only if the next
// publication lacks it; the demand goes with it.
func TestDemandFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{DemandGrace: time.Second})
		p := publish(t, r, "a", vp8(), h264())
		rec := newRecorder()
		v, _ := follower(t, p, rec, both())
		if v.DownTracks()[0].Track() != p.Tracks()[0] {
			t.Error("moved at the start")
		}
		p = publish(t, r, "a", h264())
		if v.DownTracks()[0].Track() != p.Tracks()[0] {
			t.Error("not moved")
		}
		if !<-p.Tracks()[0].Demand() {
			t.Error("no demand")
		}
		newSource(p, 10).write()
		synctest.Wait()
		if got := rec.packets(); len(got) != 1 || got[0].header.PayloadType != 102 {
			t.Errorf("%d packets", len(got))
		}
	})
}

// The profile that the stream turns to in its course changes the payload type at
// the key frame.
func TestPayloadTypeFollowsProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		rec := newRecorder()
		follower(t, p, rec, both())
		var want []uint8
		for n, sps := range []string{spsHigh, "6742c01fd9005005bb011000000300100000030320f1832480", spsHigh} {
			ts := uint32(n) * 90_000
			bare(p, uint16(4*n), ts, unhex(t, sps)...)
			bare(p, uint16(4*n+1), ts, unhex(t, ppsHigh)...)
			bare(p, uint16(4*n+2), ts, 0x65, 0x88, 1)
			bare(p, uint16(4*n+3), ts+3000, 0x41, 0x9a, 1)
			pt := uint8(104)
			if n == 1 {
				pt = 102
			}
			want = append(want, pt, pt, pt, pt)
		}
		var got []uint8
		for _, s := range rec.packets() {
			got = append(got, s.header.PayloadType)
		}
		if !slices.Equal(got, want) {
			t.Errorf("payload types %v, want %v", got, want)
		}
	})
}

// The same publisher may be refused too.
func TestTakeOverRefused(t *testing.T) {
	r := running(t, stream.Options{})
	publish(t, r, "a", h264())
	_, err := r.PublishWith("test", stream.PublishOptions{By: "a", Specs: []stream.Spec{h264()}, Policy: stream.TakeOverRefuse})
	if err == nil {
		t.Error("taken over")
	}
}
