package stream_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/codec"
	"weir/stream"
)

func standIn() stream.PublishOptions {
	vp9 := stream.Spec{Format: codec.Format{Name: codec.VP9, ClockRate: 90000}}
	return stream.PublishOptions{By: "slate", Specs: []stream.Spec{h264(), vp8()}, Silent: []stream.Spec{vp9, opus()}, StandIn: true}
}

func publishWith(t *testing.T, r *stream.Registry, o stream.PublishOptions) *stream.Publication {
	t.Helper()
	p, err := r.PublishWith("test", o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A stand-in yields to whoever publishes, takes nothing over, and is nothing that
// anybody waits for.
func TestStandInYields(t *testing.T) {
	r := running(t, stream.Options{})
	live, leave := r.Await("test")
	defer leave()
	slate := publishWith(t, r, standIn())
	s := slate.Stream()
	if s.Publication() != nil || len(s.Tracks()) != 0 || len(s.Offered()) != 4 || closed(live) {
		t.Error("the stream is live")
	}
	if _, err := r.PublishWith("test", standIn()); !errors.Is(err, stream.ErrPublished) {
		t.Errorf("a second stand-in: %v", err)
	}
	p := publishWith(t, r, stream.PublishOptions{By: "a", Specs: []stream.Spec{vp8()}, Policy: stream.TakeOverRefuse})
	if slate.Reason() != "taken_over" || s.Publication() != p || !closed(live) {
		t.Errorf("the stand-in ended with %q", slate.Reason())
	}
	if _, err := r.PublishWith("test", standIn()); !errors.Is(err, stream.ErrPublished) {
		t.Errorf("over a publisher: %v", err)
	}
}

// A viewer who came first stays from the stand-in to the publisher, who leaves,
// and back: on one line, by the payload type of each codec.
func TestStandInAndBack(t *testing.T) {
	for name, spec := range map[string]stream.Spec{"the same codec": h264(), "another": vp8()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var left []string
				r := running(t, stream.Options{Left: func(name string) { left = append(left, name) }})
				rec := newRecorder()
				slate := publishWith(t, r, standIn())
				v, lost := follower(t, slate, rec, both())
				play := func(p *stream.Publication, track *stream.Track) {
					if track.Spec().Format.Name == codec.VP8 {
						writeVP8(track, p, uint16(len(rec.packets())+5), uint32(time.Now().UnixMicro()), 30)
						return
					}
					src := newSource(p, 30)
					for range 30 {
						src.write()
						time.Sleep(pictureTime)
					}
				}
				play(slate, slate.Tracks()[0])
				p := publishWith(t, r, stream.PublishOptions{By: "a", Specs: []stream.Spec{spec, opus()}, Alternatives: true})
				time.Sleep(time.Second)
				play(p, p.Tracks()[0])
				p.Close("end of media")
				slate = publishWith(t, r, standIn())
				time.Sleep(time.Second)
				play(slate, slate.Tracks()[0]) // its first codec, whatever the publisher sent
				synctest.Wait()
				got := rec.packets()
				if len(got) != 90 || len(lost) != 0 || len(left) != 1 || left[0] != "test" {
					t.Fatalf("%d packets, lost %d, left %q", len(got), len(lost), left)
				}
				for i, s := range got[1:] {
					if n := s.header.SequenceNumber - got[i].header.SequenceNumber; n != 1 {
						t.Fatalf("packet %d: number +%d", i+1, n)
					}
					step, want := int32(s.header.Timestamp-got[i].header.Timestamp), int32(3000)
					if (i+1)%30 == 0 {
						want += 90_000 // nothing was sent for a second
					}
					if step < want-150 || step > want+150 {
						t.Errorf("packet %d: timestamp +%d, want %d", i+1, step, want)
					}
				}
				first, then, last := got[0].header.PayloadType, got[45].header.PayloadType, got[89].header.PayloadType
				if first == 96 || last != first || (then == 96) != (name == "another") {
					t.Errorf("payload types %d, %d and %d", first, then, last)
				}
				checkCounts(t, v)
			})
		})
	}
}

// A viewer that has none of the stand-in's codecs waits for the publisher, and one
// that has not the publisher's is told.
func TestStandInLosesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		slate := publishWith(t, r, standIn())
		only := []stream.Payload{{Format: codec.Format{Name: codec.VP9, ClockRate: 90000}, PayloadType: 98}}
		v, err := slate.Stream().AddViewer(slate.Stream().Offered()[2:3])
		if err != nil {
			t.Fatal(err)
		}
		rec := newRecorder()
		v.DownTracks()[0].Attach(stream.Line{SSRC: 1, Payloads: only}, func(stream.Flusher) stream.Outlet { return rec })
		lost := make(chan string, 1)
		v.OnLost(func(reason string) { lost <- reason })
		v.Start()
		defer v.Close()
		writeVP8(slate.Tracks()[1], slate, 1, 1, 10)
		if len(rec.packets()) != 0 || len(lost) != 0 {
			t.Errorf("%d packets came, told %d times", len(rec.packets()), len(lost))
		}
		p := publishWith(t, r, stream.PublishOptions{By: "a", Specs: []stream.Spec{vp8()}, Alternatives: true})
		writeVP8(p.Tracks()[0], p, 1, 1, 1)
		if len(lost) != 1 || <-lost != "codec_changed" {
			t.Error("not told")
		}
	})
}
