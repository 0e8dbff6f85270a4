package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/publisher"
	"weir/stream"
)

// A stage is a stream that a source feeds.
type stage struct {
	source *source
	pub    *stream.Publication
	cancel context.CancelFunc
	ended  chan error
}

// plays starts a source of parameters on a stream until the test ends.
func plays(t *testing.T, f *FFmpeg, params string) *stage {
	t.Helper()
	made, err := f.Source("live", json.RawMessage(params))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	registry := stream.New(stream.Options{Workers: 1})
	p, err := registry.Publish("live", "test", made.Specs())
	if err != nil {
		t.Fatal(err)
	}
	src, ok := made.(*source)
	if !ok {
		t.Fatalf("a %T", made)
	}
	s := &stage{source: src, pub: p, cancel: cancel, ended: make(chan error, 1)}
	var running sync.WaitGroup
	running.Go(func() { s.ended <- s.source.Run(ctx, p) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return s
}

// end waits for the end by itself.
func (s *stage) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("it does not end; %+v", s.source.Stats())
		return nil
	}
}

// units waits until each track has had so many.
func (s *stage) units(t *testing.T, n uint64) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		tracks := 0
		for _, r := range s.source.Stats() {
			if r.Units >= n {
				tracks++
			}
		}
		if tracks == len(s.source.Specs()) {
			return
		}
		select {
		case err := <-s.ended:
			t.Fatalf("it has ended: %v; %+v", err, s.source.Stats())
		case <-tick.C:
		case <-deadline:
			t.Fatalf("too few units: %+v", s.source.Stats())
		}
	}
}

// pretender makes sources of this binary in place of FFmpeg: an input "lavfi:WHAT" does WHAT.
func pretender(t *testing.T) *FFmpeg {
	t.Helper()
	return New(Options{Path: os.Args[0], Allowed: allowed(t, "lavfi:*"), Processes: 4})
}

// Whatever the child does, the source ends with a reason, and nothing is left.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	f := pretender(t)
	for what, want := range map[string]string{
		"ends":       "holds nothing that can be played",
		"dies":       "FFmpeg has ended: signal: killed",
		"says=no":    "FFmpeg has ended: exit status 3: no",
		"floods":     "the last words",
		"garbage":    "open what FFmpeg writes: ",
		"blocks":     "open what FFmpeg writes: ",
		"writes=abc": "holds nothing that can be played",
		"hangs":      "open what FFmpeg writes: ", // it has said a word that is no Matroska
		"silent":     "nothing has come from lavfi:silent for 1 seconds: I wait",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			patience := 10
			if what == "silent" {
				patience = 1
			}
			s := plays(t, f, fmt.Sprintf(`{"input":"lavfi:%s","video":true,"timeout":%d}`, what, patience))
			if err := s.end(t); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %s", err, want)
			}
		})
	}
}

// A source ends with its context, and with its publication.
func TestSourceIsEnded(t *testing.T) {
	f := pretender(t)
	s := plays(t, f, `{"input":"lavfi:silent","video":true,"timeout":60}`)
	s.cancel()
	if err := s.end(t); err != nil {
		t.Error(err)
	}
	s = plays(t, f, `{"input":"lavfi:silent","video":true,"timeout":60}`)
	s.pub.Close("taken_over")
	if err := s.end(t); !errors.Is(err, publisher.ErrPublicationEnded) {
		t.Error(err)
	}
}

// There are no more children than are allowed, and a place is given back.
func TestProcesses(t *testing.T) {
	f := New(Options{Path: os.Args[0], Allowed: allowed(t, "lavfi:*"), Processes: 1})
	const silent = `{"input":"lavfi:silent","video":true,"timeout":60}`
	first := plays(t, f, silent)
	for len(f.slots) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := plays(t, f, silent).end(t); err == nil || !strings.Contains(err.Error(), "ffmpeg.processes") {
		t.Error(err)
	}
	first.cancel()
	if err := first.end(t); err != nil {
		t.Error(err)
	}
	if err := plays(t, f, `{"input":"lavfi:dies","video":true,"timeout":10}`).end(t); err == nil || strings.Contains(err.Error(), "ffmpeg.processes") {
		t.Error(err)
	}
}

// found is the machine's FFmpeg, which is asked once what it has.
var found = sync.OnceValues(func() (string, error) { return Find(context.Background(), "") })

// installed makes sources of the machine's FFmpeg.
func installed(t *testing.T, inputs ...string) *FFmpeg {
	t.Helper()
	path, err := found()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return New(Options{Path: path, Allowed: allowed(t, inputs...)})
}

func TestLavfi(t *testing.T) {
	t.Parallel()
	s := plays(t, installed(t, "lavfi"), `{"input":"lavfi:testsrc2=s=320x180:r=25[out0];sine=f=440[out1]","video":true,"audio":true,"bit_rate":500000,"max_height":90,"timeout":10}`)
	s.units(t, 10)
	if stats := s.source.Stats(); stats[0].KeyFrames == 0 {
		t.Errorf("%+v", stats)
	}
	// The child is killed from without.
	pid := child1(t)
	if err := osexec.Command("kill", "-9", pid).Run(); err != nil {
		t.Fatal(err)
	}
	if err := s.end(t); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Error(err)
	}
}

// An input that has nothing of what is wanted ends with FFmpeg's word for it; what is not wanted is not sent instead.
func TestNothingOfWhatIsWanted(t *testing.T) {
	t.Parallel()
	f := installed(t, "lavfi")
	for _, params := range []string{
		`{"input":"lavfi:testsrc=s=64x64","video":false,"audio":true,"bit_rate":500000,"max_height":90,"timeout":10}`,
		`{"input":"lavfi:sine","video":true,"audio":false,"bit_rate":500000,"max_height":90,"timeout":10}`,
	} {
		err := plays(t, f, params).end(t)
		if err == nil || !strings.Contains(err.Error(), "does not contain any stream") || len(err.Error()) > 300 {
			t.Errorf("%s: %v", params, err)
		}
	}
}

// child1 is the number of the only FFmpeg that this process has started with a test picture.
func child1(t *testing.T) string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		text, _ := os.ReadFile(path)
		stat, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "stat"))
		_, after, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) && strings.Contains(string(text), "testsrc2=s=320x180") {
			return filepath.Base(filepath.Dir(path))
		}
	}
	t.Fatal("there is no child")
	return ""
}

// film has FFmpeg make a file of a second and a half.
func film(t *testing.T, path string, args ...string) {
	t.Helper()
	all := append([]string{"-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=1.5", "-f", "lavfi", "-i", "sine=d=1.5"}, args...)
	if out, err := osexec.Command("ffmpeg", append(all, path)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// A filmed is a file of the test, and what of it can be copied.
type filmed struct {
	args []string
	want plan
}

// films are the files that CI has time for; see moreFilms.
func films() map[string]filmed {
	all := map[string]filmed{
		// The first child says that the sound does not fit, the second that the picture does not.
		"neither.mp4": {[]string{"-c:v", "libx264", "-bf", "2", "-g", "25", "-c:a", "aac", "-movflags", "faststart"}, plan{false, false}},
		// The first child cannot begin to write: AAC of a transport stream says what it is in each packet alone.
		"aac.ts":   {[]string{"-c:v", "libx264", "-bf", "0", "-g", "25", "-c:a", "aac"}, plan{true, false}},
		"aac.m3u8": {[]string{"-c:v", "libx264", "-bf", "0", "-g", "25", "-c:a", "aac", "-hls_time", "1", "-hls_list_size", "0"}, plan{true, false}},
	}
	maps.Copy(all, moreFilms())
	return all
}

// What fits is copied; what does not is transcoded by a second child, which is remembered.
func TestCopyOrTranscode(t *testing.T) {
	t.Parallel()
	f := installed(t, "http://127.0.0.1:*")
	dir := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	host := "http://" + server.Listener.Addr().String() + "/"
	for name, test := range films() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			film(t, filepath.Join(dir, name), test.args...)
			s := plays(t, f, `{"input":"`+host+name+`","video":true,"audio":true,"copy":true,"bit_rate":500000,"max_height":1080,"timeout":10}`)
			pictures := watches(t, s)
			if err := s.end(t); err != nil {
				t.Error(err)
			}
			if same, all := pictures.of(t, filepath.Join(dir, name)); test.want.video && (all < 30 || same < all) {
				t.Errorf("of %d slices %d are the film's", all, same)
			}
			for _, r := range s.source.Stats() {
				if least := map[bool]uint64{true: 30, false: 65}[r.Spec.Format.Name == videoCodec]; r.Units < least {
					t.Errorf("%s: %d units, want %d", r.Spec.Format, r.Units, least)
				}
			}
			if got := f.plan(s.source.params, s.source.input); got != test.want {
				t.Errorf("copied %+v, want %+v", got, test.want)
			}
		})
	}
}

// Nothing that a server answers with makes FFmpeg read a file, and no segment or redirect opens another kind of socket.
func TestServersThatLead(t *testing.T) {
	t.Parallel()
	f := installed(t, "http://127.0.0.1:*")
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.ts")
	film(t, secret, "-c:v", "libx264", "-bf", "0", "-c:a", "libopus")
	trap, err := net.Listen("tcp", "127.0.0.1:0") // a socket that nothing is to open
	if err != nil {
		t.Fatal(err)
	}
	var trapping sync.WaitGroup
	trapping.Go(func() {
		if c, err := trap.Accept(); err == nil {
			t.Errorf("%v was connected to", c.LocalAddr())
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = trap.Close(); trapping.Wait() })
	const head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n"
	answers := map[string]string{
		"passwd.m3u8":  head + "file:///etc/passwd\n#EXT-X-ENDLIST\n",
		"file.m3u8":    head + "file://" + secret + "\n#EXT-X-ENDLIST\n",
		"path.m3u8":    head + secret + "\n#EXT-X-ENDLIST\n",
		"crypto.m3u8":  head + "crypto+file://" + secret + "\n#EXT-X-ENDLIST\n",
		"concat.m3u8":  head + "concat:" + secret + "|" + secret + "\n#EXT-X-ENDLIST\n",
		"subfile.m3u8": head + "subfile,,start,0,end,99999,,:" + secret + "\n#EXT-X-ENDLIST\n",
		"data.m3u8":    head + "data:video/mp2t;base64,R0AAEAAA.ts\n#EXT-X-ENDLIST\n",
		"key.m3u8":     strings.Replace(head, "#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"file://"+secret+"\"\n#EXTINF", 1) + "/secret.ts\n#EXT-X-ENDLIST\n",
		"gopher.m3u8":  head + "gopher://" + trap.Addr().String() + "/x.ts\n#EXT-X-ENDLIST\n",
		"tcp.m3u8":     head + "tcp://" + trap.Addr().String() + "/x.ts\n#EXT-X-ENDLIST\n",
		"udp.m3u8":     head + "udp://" + trap.Addr().String() + "/x.ts\n#EXT-X-ENDLIST\n",
		"master.m3u8":  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile://" + filepath.Join(dir, "inner.m3u8") + "\n",
		"x.ffconcat":   "ffconcat version 1.0\nfile '" + secret + "'\n",
		"x.sdp":        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
		"x.mpd":        `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet mimeType="video/mp2t"><Representation id="1" bandwidth="1"><BaseURL>file://` + secret + `</BaseURL></Representation></AdaptationSet></Period></MPD>`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch {
		case strings.HasPrefix(name, "redirect"):
			w.Header().Set("Location", map[bool]string{true: "file://" + secret, false: "tcp://" + trap.Addr().String()}[name == "redirect"])
			w.WriteHeader(http.StatusFound)
		case name == "secret.ts":
			http.ServeFile(w, r, secret)
		default:
			_, _ = w.Write([]byte(answers[name]))
		}
	}))
	t.Cleanup(server.Close)
	answers["redirect"], answers["redirect2"] = "", ""
	for name := range answers {
		if !long && !slices.Contains([]string{"path.m3u8", "data.m3u8", "tcp.m3u8", "key.m3u8", "redirect2", "x.ffconcat"}, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plays(t, f, `{"input":"http://`+server.Listener.Addr().String()+`/`+name+`","video":true,"audio":true,"copy":true,"bit_rate":500000,"max_height":1080,"timeout":5}`)
			err := s.end(t)
			t.Log(err)
			if err == nil {
				t.Error("it plays")
			}
			if told := strings.Contains(fmt.Sprint(err), "if the server redirects to another address"); told != strings.HasPrefix(name, "redirect") {
				t.Errorf("of redirects is told: %t; %v", told, err)
			}
			for _, r := range s.source.Stats() {
				if r.Units > 0 {
					t.Errorf("%d units of %s", r.Units, r.Spec.Format)
				}
			}
		})
	}
}
