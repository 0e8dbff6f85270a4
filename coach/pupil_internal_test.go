package coach

import (
	"testing"

	"weir/internal/codec"
	"weir/stream"
)

// What the track was asked for before the publication began is not its publisher's.
func TestRequests(t *testing.T) {
	r := stream.New(stream.Options{})
	publish := func() *stream.Publication {
		p, err := r.Publish("test", "a", []stream.Spec{{Format: codec.Format{Name: codec.VP8, ClockRate: 90000}}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	publish().Tracks()[0].RequestKeyFrame()
	p := publish()
	track := p.Tracks()[0]
	u := newPupil(track, p)
	defer u.leave()
	if before := track.Stats().KeyFrameRequests; before != 1 {
		t.Fatalf("%d requests before", before)
	}
	if n := u.requests(stream.PublisherReport{}, false); n != 0 {
		t.Errorf("%d requests of a source that was not asked", n)
	}
	if n := u.requests(stream.PublisherReport{KeyFramesAsked: 7}, true); n != 7 {
		t.Errorf("%d requests, 7 by the report", n)
	}
}
