package stream_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"weir/internal/codec"
	"weir/stream"
)

// A viewer gets only tracks that somebody feeds at that moment: on others media
// would never come.
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

// Each spec is a track of its own, of a known kind.
func TestPublishRefusesTwins(t *testing.T) {
	r := stream.New(stream.Options{})
	for name, specs := range map[string][]stream.Spec{
		"none":    nil,
		"twins":   {h264(), opus(), h264()},
		"unknown": {{Format: codec.Format{Name: "rtx", ClockRate: 90000}}},
	} {
		if _, err := r.Publish("test", "a", specs); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestStreamsByName(t *testing.T) {
	r := running(t, stream.Options{})
	for _, name := range []string{"b", "C", "a"} {
		if _, err := r.Publish(name, "us", []stream.Spec{opus()}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, s := range r.Streams() {
		names = append(names, s.Name())
	}
	if !slices.Equal(names, []string{"C", "a", "b"}) {
		t.Errorf("streams %v", names)
	}
}

// A stream that goes on with another publication is told as such.
func TestTakeOverIsTold(t *testing.T) {
	var told []string
	r := stream.New(stream.Options{Event: func(name string, attrs ...slog.Attr) {
		told = append(told, name+" "+fmt.Sprint(attrs))
	}})
	first := publish(t, r, "a", opus())
	second := publish(t, r, "a", opus())
	first.Close("stopped")
	second.Close("stopped")
	want := []string{
		"stream_live [stream=test]", "stream_live [stream=test reason=taken_over]", "stream_ended [stream=test reason=stopped]",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
