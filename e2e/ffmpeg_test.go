//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// control asks the control API, and reads the answer into something unless that is nil.
func (p *process) control(t *testing.T, method, path, body string, into any) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.base+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	told.text("an answer of the control API", string(text))
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return response.StatusCode
}

// children are the numbers of a process's children that are no zombies.
func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := bytes.Cut(stat, []byte(") "))
		if fields := strings.Fields(string(after)); len(fields) > 1 && fields[0] != "Z" && fields[1] == strconv.Itoa(parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// Chromium sees a camera that speaks RTSP. FFmpeg is killed: the picture is back within 3 s. The stream is stopped, and then
// Weir itself is killed: nothing of FFmpeg is left.
func TestRTSP(t *testing.T) {
	needs(t, chromium, "ffmpeg")
	const password = "p@ss/word:of a camera"
	told.secret("camera password", password)
	camera := newCamera(t, "me", password)
	server := start(t, build(t, "0"), "127.0.0.1:0", withAdmin, "WEIR_FFMPEG_INPUTS=lavfi,rtsp://"+camera.addr())
	begin := func(stream, input, more string) {
		t.Helper()
		body := `{"source": "ffmpeg", "params": {"input": "` + input + `"` + more + `}, "public": true}`
		if code := server.control(t, "POST", "streams/"+stream, body, nil); code != http.StatusCreated {
			t.Fatalf("status %d", code)
		}
	}
	begin("cam", "rtsp://"+camera.addr()+"/cam", `, "user": "me", "password": "`+password+`"`)
	viewer := run(t, "returns.mjs", server.base, "cam", "1")
	viewer.step(t, "playing")
	look := func() shown {
		t.Helper()
		var got struct{ Viewers []shown }
		if _, err := io.WriteString(viewer.input, "read\n"); err != nil {
			t.Fatal(err)
		}
		viewer.report(t, &got)
		return got.Viewers[0]
	}
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		look()
		time.Sleep(time.Second)
		got := look()
		_, pause := got.back()
		t.Logf("%d pictures in 1 s, %d lost, %d freezes, at most %.0f ms between two", len(got.Times), got.Lost, got.Freezes, pause)
		if len(got.Times) < 15 || got.State != "playing" {
			t.Errorf("%+v", got)
		}
	})
	if players, _ := camera.seen(); players != 1 {
		t.Errorf("the camera was opened %d times", players)
	}

	var ffmpeg []int
	kills := 0
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		if kills > 0 {
			time.Sleep(31 * time.Second) // by then it is a first failure again
		}
		webrtctest.Until(t, patience, func() string {
			if ffmpeg = children(t.T, server.cmd.Process.Pid); len(ffmpeg) != 1 {
				return fmt.Sprintf("one FFmpeg: children %v", ffmpeg)
			}
			return ""
		})
		look()
		if err := syscall.Kill(ffmpeg[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		kills++
		var got shown
		pause := 0.0 // until the one that the kill makes
		for deadline := time.Now().Add(patience); pause < 900 && time.Now().Before(deadline); {
			time.Sleep(200 * time.Millisecond)
			got = look()
			_, pause = got.back()
		}
		t.Logf("killed: no picture for %.0f ms", pause)
		if pause < 900 || pause > 3000 || got.State != "playing" {
			t.Errorf("killed: %.0f ms without a picture, %s", pause, got.State)
		}
	})
	var status struct {
		Source struct {
			State, Reason string
			Restarts      int
			Params        map[string]any
		}
	}
	if server.control(t, "GET", "streams/cam", "", &status); status.Source.State != "live" || status.Source.Restarts != kills || status.Source.Params["password"] != nil {
		t.Errorf("%+v", status)
	}

	began := time.Now()
	if code := server.control(t, "DELETE", "streams/cam", "", nil); code != http.StatusNoContent {
		t.Errorf("status %d", code)
	}
	t.Logf("stopped within %v", time.Since(began))
	if left := children(t, server.cmd.Process.Pid); len(left) != 0 {
		t.Errorf("stopped, and %v are left", left)
	}
	webrtctest.Until(t, patience, func() string {
		if _, left := camera.seen(); left != 1 {
			return fmt.Sprintf("a camera that is told once that nobody plays: it was told %d times", left)
		}
		return ""
	})

	begin("test-picture", "lavfi:testsrc2=s=160x90", "")
	webrtctest.Until(t, patience, func() string {
		if ffmpeg = children(t, server.cmd.Process.Pid); len(ffmpeg) == 0 {
			return "FFmpeg"
		}
		return ""
	})
	server.end(t, syscall.SIGKILL)
	for _, pid := range ffmpeg {
		webrtctest.Until(t, patience, func() string {
			if stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && !bytes.Contains(stat, []byte(") Z ")) {
				return fmt.Sprintf("the end of process %d: Weir was killed", pid)
			}
			return ""
		})
	}
}

// What is not to be opened is refused: by the API where it stands in the input, by FFmpeg where a playlist names it.
func TestFFmpegRefuses(t *testing.T) {
	t.Parallel()
	needs(t, "ffmpeg")
	const passwd = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, passwd) }))
	t.Cleanup(web.Close)
	server := start(t, build(t, "0"), "127.0.0.1:0", withAdmin, "WEIR_FFMPEG_INPUTS=lavfi,"+web.URL)
	for _, input := range []string{
		"; rm -rf /", "$(rm -rf /)", "file:///etc/passwd", "/etc/passwd", "-i", "concat:/etc/passwd", "lavfi:movie=/etc/passwd",
		"http://169.254.169.254/latest/meta-data", "rtsp://127.0.0.1/",
	} {
		var problem struct {
			Code     string
			Problems []struct{ Name, Detail string }
		}
		body, err := json.Marshal(map[string]any{"source": "ffmpeg", "params": map[string]any{"input": input}})
		if err != nil {
			t.Fatal(err)
		}
		if code := server.control(t, "POST", "streams/x", string(body), &problem); code != http.StatusUnprocessableEntity ||
			len(problem.Problems) != 1 || problem.Problems[0].Name != "input" {
			t.Errorf("%s: status %d, %+v", input, code, problem)
		}
	}
	if code := server.control(t, "POST", "streams/x", `{"source": "ffmpeg", "params": {"input": "`+web.URL+`/x.m3u8"}}`, nil); code != http.StatusCreated {
		t.Fatalf("status %d", code)
	}
	var status struct {
		Source struct{ State, Reason string }
	}
	for deadline := time.Now().Add(patience); status.Source.State != "waiting"; time.Sleep(20 * time.Millisecond) {
		if server.control(t, "GET", "streams/x", "", &status); time.Now().After(deadline) {
			t.Fatalf("%+v", status)
		}
	}
	t.Log(status.Source.Reason)
	if !strings.Contains(status.Source.Reason, "file:///etc/passwd") || strings.Contains(status.Source.Reason, "root:") {
		t.Errorf("%+v", status)
	}
}
