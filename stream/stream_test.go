package stream_test

import (
	"errors"
	"testing"

	"weir/stream"
)

// come.
func TestViewerOfTracksThatAreNotFed(t *testing.T) {
	r := running(t, stream.Options{})
	old := publish(t, r, "a", h264())
	old.Close("stopped") // nobody watches: the stream is forgotten
	p := publish(t, r, "a", h264(), opus())
	if _, err := p.Stream().AddViewer(old.Tracks()); !errors.Is(err, stream.ErrNotLive) {
		t.Errorf("track of a stream that is gone: %v", err)
	}
	next := publish(t, r, "a", h264())
	if _, err := p.Stream().AddViewer(p.Tracks()); !errors.Is(err, stream.ErrNotLive) {
		t.Errorf("audio that is not fed any more: %v", err)
	}
	v, err := p.Stream().AddViewer(next.Tracks())
	if err != nil {
		t.Fatalf("track that is fed: %v", err)
	}
	v.Close()
}

// they hold.
func TestUnusedTracksAreForgotten(t *testing.T) {
	r := running(t, stream.Options{})
	layer := func(rid string) stream.Spec { s := h264(); s.RID = rid; return s }
	one := publish(t, r, "a", layer("one"), layer("two"))
	v, err := one.Stream().AddViewer(one.Tracks()[:1])
	if err != nil {
		t.Fatalf("add viewer: %v", err)
	}
	defer v.Close()
	publish(t, r, "a", layer("three"))
	again := publish(t, r, "a", layer("one"), layer("two"))
	if again.Tracks()[0] != one.Tracks()[0] {
		t.Error("a watched track was forgotten")
	}
	if again.Tracks()[1] == one.Tracks()[1] {
		t.Error("a track that nobody fed or watched was kept")
	}
}
