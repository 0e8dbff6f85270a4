package stream_test

import (
	"testing"

	"weir/internal/codec"
	"weir/stream"
)

// While the publisher is away the stream is as one that nobody publishes for those
// who come, and whoever waits hears of its return.
func TestAway(t *testing.T) {
	t.Parallel()
	r := running(t, stream.Options{})
	p := publishWith(t, r, stream.PublishOptions{By: "a", Specs: []stream.Spec{h264(), vp8(), opus()}, Alternatives: true})
	s := p.Stream()
	if !s.Live() || len(s.Offered()) != 3 || len(s.Sent()) != 3 {
		t.Error("a new publication is not live")
	}
	p.Away(true)
	live, leave := r.Await("test")
	defer leave()
	if s.Live() || len(s.Offered()) != 0 || len(s.Sent()) != 0 || closed(live) {
		t.Error("the stream is live while its publisher is away")
	}
	if s.Publication() != p || len(s.Promised()) != 3 {
		t.Error("the publisher has lost the stream")
	}
	p.Away(false)
	p.Away(false)
	if again, leave := r.Await("test"); !closed(live) || !closed(again) || !s.Live() {
		leave()
		t.Error("nobody is told of the publisher's return")
	}
	p.Close("end of test")
	live, leave = r.Await("test")
	defer leave()
	if p.Away(true); closed(live) {
		t.Error("a publication that has ended is live")
	}
	if p.Away(false); closed(live) {
		t.Error("a publication that has ended is live")
	}
}

// Of alternatives those are told of that are sent.
func TestSent(t *testing.T) {
	t.Parallel()
	r := running(t, stream.Options{})
	p := publishWith(t, r, stream.PublishOptions{By: "a", Specs: []stream.Spec{h264(), vp8(), opus()}, Alternatives: true})
	writeVP8(p.Tracks()[1], p, 1, 1, 1)
	if sent := p.Stream().Sent(); len(sent) != 1 || sent[0].Spec().Format.Name != codec.VP8 {
		t.Errorf("%d tracks are sent", len(sent))
	}
	if offered := p.Stream().Offered(); len(offered) != 2 {
		t.Errorf("%d tracks are offered", len(offered))
	}
}
