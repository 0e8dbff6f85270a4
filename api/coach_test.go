package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/api"
	"weir/coach"
)

// said is a Coach that says always the same.
type said map[string][]coach.Finding

func (s said) Findings(stream string) []coach.Finding { return s[stream] }

type findingView struct {
	Code, Severity, Since, Track, Text string
	Remedies                           map[string]string
}

func TestFindings(t *testing.T) {
	w := newWorld(t, worldOptions{running: true, change: func(o *api.Options) {
		o.Coach = said{"s1": {{
			Code: coach.BFrames, Severity: coach.Error, Track: "video/H264", Text: "67 % of the pictures are B-frames.",
			Since:    time.Date(2026, 11, 26, 3, 55, 2, 400e6, time.UTC),
			Remedies: coach.Remedies{OBS: "B-Frames 0", FFmpeg: "-bf 0", GStreamer: "x264enc bframes=0"},
		}}}
	}})
	w.begin(t, "s1", "tone", false)
	w.begin(t, "s2", "tone", false)
	type view struct {
		Name     string
		Findings []findingView
	}
	want := []view{{Name: "s1", Findings: []findingView{{
		Code: "b_frames", Severity: "error", Since: "2026-11-26T03:55:02.400Z", Track: "video/H264", Text: "67 % of the pictures are B-frames.",
		Remedies: map[string]string{"obs": "B-Frames 0", "ffmpeg": "-bf 0", "gstreamer": "x264enc bframes=0"},
	}}}, {Name: "s2", Findings: []findingView{}}}
	for _, one := range want {
		got := decode[view](t, w.administer(t, "GET", "/api/v1/streams/"+one.Name, ""), http.StatusOK)
		if diff := cmp.Diff(one, got); diff != "" {
			t.Error(diff)
		}
	}
	all := decode[struct{ Streams []view }](t, w.administer(t, "GET", "/api/v1/streams", ""), http.StatusOK)
	if diff := cmp.Diff(want, all.Streams); diff != "" {
		t.Error(diff)
	}
	public := decode[struct{ Streams []map[string]any }](t, do(t, w.face, "GET", "/api/v1/streams"), http.StatusOK)
	for _, one := range public.Streams {
		if one["findings"] != nil {
			t.Errorf("everybody is told %v", one)
		}
	}
}
