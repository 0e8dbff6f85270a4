//go:build e2e

package e2e_test

import (
	"io"
	"slices"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// shown is what one of several viewers has shown since the last look.
type shown struct {
	Times         []float64 // milliseconds since 1970
	State         string
	Lost, Freezes int
	Codecs        []string
}

// back is when the first picture after the longest pause came, and how long that
// was, both in milliseconds.
func (s shown) back() (at, pause float64) {
	for i := 1; i < len(s.Times); i++ {
		if p := s.Times[i] - s.Times[i-1]; p > pause {
			at, pause = s.Times[i], p
		}
	}
	return at, pause
}

// slack is webrtctest.Slack, for milliseconds of a page.
func slack() float64 { return float64(webrtctest.Slack()) }

// FFmpeg is killed and comes back after a second; another FFmpeg takes over from it while it sends; then a browser does,
// with another codec. Chromium's five viewers go on in the sessions that they have.
func TestPublishersFollowEachOther(t *testing.T) {
	needs(t, chromium)
	webrtctest.Tries(t, followEachOther)
}

func followEachOther(t *webrtctest.Attempt) {
	const viewers, soon, gop = 5, 500, 1000 // milliseconds
	server := start(t.T, build(t.T, "0"), "127.0.0.1:0")
	token := server.tokens(t.T)["admin"]
	publish := func() (*script, float64) {
		publisher := run(t.T, "ffmpeg.mjs", server.base+"/whip/live", token, "60")
		t.Cleanup(func() { _ = publisher.cmd.Process.Kill() })
		var began struct {
			Step string
			At   float64
		}
		if publisher.report(t.T, &began); began.Step != "began" {
			t.Fatalf("%+v", began)
		}
		return publisher, began.At
	}
	first, _ := publish()
	crowd := run(t.T, "returns.mjs", server.base, "live", "5")
	crowd.step(t.T, "playing")
	tell := func(line string, into any) {
		t.Helper()
		if _, err := io.WriteString(crowd.input, line+"\n"); err != nil {
			t.Fatal(err)
		}
		crowd.report(t.T, into)
	}
	look := func(codec string) []shown {
		t.Helper()
		var got struct {
			Viewers []shown
			Posts   int
		}
		tell("read", &got)
		if got.Posts != viewers {
			t.Errorf("%d sessions were made for %d viewers", got.Posts, viewers)
		}
		for i, v := range got.Viewers {
			if v.State != "playing" || !slices.Contains(v.Codecs, "video/"+codec) {
				t.Errorf("viewer %d is %s and has %q", i, v.State, v.Codecs)
			}
		}
		return got.Viewers
	}

	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	look("H264")
	time.Sleep(time.Second)
	second, began := publish()
	time.Sleep(1500 * time.Millisecond)
	for i, v := range look("H264") {
		at, pause := v.back()
		t.Logf("killed: viewer %d shows a picture %.0f ms after the first was sent, after a pause of %.0f ms", i, at-began, pause)
		if pause < 1000 || at-began > slack()*soon {
			t.Errorf("viewer %d shows nothing new in time", i)
		}
	}

	third, _ := publish()
	time.Sleep(1500 * time.Millisecond)
	for i, v := range look("H264") {
		_, pause := v.back()
		t.Logf("taken over: viewer %d stood still for %.0f ms", i, pause)
		if pause > slack()*gop {
			t.Errorf("viewer %d stood still for %.0f ms", i, pause)
		}
	}
	server.logged(t.T, `msg="session ended".*reason=taken_over`)

	var took struct{ At float64 }
	tell("publish "+token, &took)
	time.Sleep(2 * time.Second)
	all := look("VP8")
	few := func(v shown) bool { return len(v.Times) < 30 } // which a busy machine takes longer for
	for deadline := time.Now().Add(patience); slices.ContainsFunc(all, few) && time.Now().Before(deadline); {
		time.Sleep(500 * time.Millisecond)
		for i, more := range look("VP8") {
			all[i].Times = append(all[i].Times, more.Times...)
		}
	}
	for i, v := range all {
		at, pause := v.back()
		t.Logf("VP8: viewer %d stood still for %.0f ms, until %.0f ms after the first picture was sent", i, pause, at-took.At)
		if len(v.Times) < 30 || pause > slack()*gop {
			t.Errorf("viewer %d stood still for %.0f ms, and showed %d pictures", i, pause, len(v.Times))
		}
	}
	for _, publisher := range []*script{second, third} {
		_ = publisher.cmd.Process.Kill() // it may have ended by itself
	}
	if err := crowd.input.Close(); err != nil {
		t.Error(err)
	}
}
