//go:build e2e && linux

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/guest"
	"weir/internal/webrtctest"
)

// The program in a machine of its own, that has a camera: a real V4L2 device. Its ports are those of 127.0.0.1 here, where
// browsers watch it. What they show is left in out/ for people to look at. The processor is emulated, so pictures are small.
func TestCamera(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("takes minutes: only when E2E_SOAK is set")
	}
	needs(t, chromium, firefox)
	server, control := bootCamera(t)

	cameras := server.cameras(t)
	if len(cameras) != 1 || cameras[0].Title != "vivid" || cameras[0].Report.InUse || !slices.ContainsFunc(cameras[0].Report.Formats, mode.small) {
		t.Fatalf("devices %+v", cameras)
	}
	t.Logf("camera %q, %q, with %d formats", cameras[0].Name, cameras[0].Title, len(cameras[0].Report.Formats))

	t.Run("by the API", func(t *testing.T) { cameraByAPI(t, server, control, cameras[0].Name) })
	t.Run("by the page", func(t *testing.T) { cameraByPage(t, server, control) })
}

// bootCamera returns the server that runs in the machine, and where the machine is asked about its camera.
func bootCamera(t *testing.T) (server *process, control string) {
	t.Helper()
	cache, err := filepath.Abs(filepath.Join("..", ".cache", "vivid"))
	if err != nil {
		t.Fatal(err)
	}
	if lacking := guest.Lacking(cache); lacking != "" {
		lack(t, lacking)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, ports := build(t, "1"), []int{freePort(t), freePort(t)}
	machine := guest.New(t, guest.Options{Cache: cache, Init: self, Args: insideArgs(program, ports...), Programs: []string{program}, Ports: ports})
	server = &process{base: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), log: new(lockedBuffer), done: make(chan struct{})}
	control = fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	ctx, kill := context.WithCancel(context.Background()) // not the test's: that ends before the machine does
	var result string
	go func() {
		defer close(server.done)
		told, err := machine.Run(ctx, server.log)
		result = fmt.Sprintf("%s %v", told, err)
	}()
	told.secret("token", adminToken)
	t.Cleanup(func() {
		late := time.AfterFunc(patience, kill)
		end, err := http.NewRequestWithContext(ctx, http.MethodPost, control+"/end", nil)
		if err == nil {
			_, err = http.DefaultClient.Do(end) //nolint:bodyclose // the machine is gone
		}
		<-server.done
		late.Stop()
		if result != `"" <nil>` {
			t.Errorf("the machine ended with %s, asked to end: %v", result, err)
		}
		told.text("a log", server.log.String())
		if t.Failed() {
			t.Logf("%s", server.log)
		}
	})
	begin := time.Now()
	webrtctest.Until(t, patience, func() string {
		select {
		case <-server.done:
			t.Fatalf("the machine ended at once with %s\n%s", result, server.log)
		default:
		}
		return notReady(t, server.base)
	})
	t.Logf("the server is ready %v after the machine was switched on", time.Since(begin).Round(100*time.Millisecond))
	return server, control
}

func notReady(t *testing.T, base string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a port may take a connection before anybody listens behind it
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	if err := reply.Body.Close(); err != nil || reply.StatusCode != http.StatusOK {
		return reply.Status
	}
	return ""
}

// freePort is free by TCP and by UDP.
func freePort(t *testing.T) int {
	t.Helper()
	for range 20 {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatal(listener.Addr())
		}
		socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: address.IP, Port: address.Port})
		if err == nil {
			err = socket.Close()
		}
		if err = errors.Join(err, listener.Close()); err == nil {
			return address.Port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// camera is one of GET /api/v1/devices.
type camera struct {
	Source, Name, Title string
	Report              struct {
		InUse   bool `json:"in_use"`
		Formats []mode
	}
}

// mode is a size of pictures in one format.
type mode struct {
	Format        string
	Width, Height int
	Rates         []float64
}

func (m mode) small() bool { return m.Width == 320 && m.Height == 180 && slices.Contains(m.Rates, 15) }

func (p *process) cameras(t *testing.T) []camera {
	t.Helper()
	var answer struct{ Devices []camera }
	if status := p.control(t, http.MethodGet, "devices", "", &answer); status != http.StatusOK {
		t.Fatalf("devices: %d", status)
	}
	return answer.Devices
}

// free waits until the camera is nobody's: the server says so, and another program can take a picture.
func (p *process) free(t *testing.T, control string) {
	t.Helper()
	begin := time.Now()
	webrtctest.Until(t, patience, func() string {
		if reason := asksCamera(t, control); reason != "" {
			return reason
		}
		if p.cameras(t)[0].Report.InUse {
			return "the server to let go of the camera"
		}
		return ""
	})
	t.Logf("another program gets a picture %v later", time.Since(begin).Round(100*time.Millisecond))
}

// sight is what a browser saw of the camera.
type sight struct {
	clean
	Codec         string
	Width, Height int
	FPS           float64
	Levels, Moved int    // levels of brightness of 16, pixels that changed much
	Bar           [3]int // red, green and blue of the bar that is green
	Screenshot    string
}

func (s sight) judge(t *testing.T, codec string) {
	t.Helper()
	s.clean.judge(t)
	t.Logf("%s, %d x %d, %.1f pictures a second, %d levels of brightness, %d pixels moved, a green of %v: %s", s.Codec, s.Width, s.Height, s.FPS, s.Levels, s.Moved, s.Bar, s.Screenshot)
	if codec != "" && s.Codec != "video/"+codec {
		t.Errorf("want %s", codec)
	}
	if s.Width != 320 || s.Height != 180 || s.FPS < 3 || s.FPS > 16 { // a busy machine leaves out many
		t.Error("want 320 x 180, up to 15 pictures a second")
	}
	if s.Levels < 6 || s.Moved < 20 {
		t.Error("this is no picture of vivid's")
	}
	if s.Bar[0] > 12 || s.Bar[1] < 178 || s.Bar[1] > 202 || s.Bar[2] > 12 { // vivid's is 0, 191, 0
		t.Error("the colours are wrong")
	}
}

// cameraByAPI starts the camera with a request; both browsers watch it at once.
func cameraByAPI(t *testing.T, server *process, control, name string) {
	t.Helper()
	if reason := asksCamera(t, control); reason != "" {
		t.Fatalf("before it is used: %s", reason)
	}
	type stream struct {
		Live, Private bool
		Source        struct{ Renditions []rendition }
	}
	var made stream
	body := fmt.Sprintf(`{"source": "camera", "params": {"device": %q, "width": 320, "height": 180, "rate": 15, "bit_rate": 400000}}`, name)
	if status := server.control(t, http.MethodPost, "streams/room", body, &made); status != http.StatusCreated || !made.Live || !made.Private {
		t.Fatalf("%d %+v", status, made)
	}
	var public struct{ Streams []struct{ Name string } }
	if ask(t, server.base+"/api/v1/streams", "", &public); len(public.Streams) != 0 {
		t.Errorf("a stranger is told of %v", public.Streams)
	}
	if reason := asksCamera(t, control); reason != "" {
		t.Errorf("nobody watches, and the camera is on: %s", reason)
	}
	watching := map[string]*script{}
	for browser, codec := range map[string]string{"chromium": "H264", "firefox": "VP8"} {
		if codec == "VP8" && !server.encodes(t, codec) {
			t.Log("built without an encoder for VP8: Firefox is left out")
			continue
		}
		watching[codec] = run(t, "camera.mjs", browser, "watch", server.base, adminToken, "room")
	}
	for codec, browser := range watching {
		var got sight
		browser.report(t, &got)
		got.judge(t, codec)
	}
	if reason := asksCamera(t, control); !strings.Contains(reason, "busy") || !server.cameras(t)[0].Report.InUse {
		t.Errorf("while it is watched another program gets %q", reason)
	}
	var watched stream
	server.control(t, http.MethodGet, "streams/room", "", &watched)
	t.Logf("%+v", watched.Source.Renditions)
	for _, r := range watched.Source.Renditions {
		if watching[r.Codec] != nil && r.Encoders != 1 {
			t.Errorf("%d encoders of %s were made, want 1", r.Encoders, r.Codec)
		}
	}
	for _, browser := range watching {
		browser.proceed(t)
	}
	server.free(t, control) // although the stream is there
	if status := server.control(t, http.MethodDelete, "streams/room", "", nil); status != http.StatusNoContent {
		t.Errorf("stop: %d", status)
	}
}

// cameraByPage does the same in the page at /, with a preview before.
func cameraByPage(t *testing.T, server *process, control string) {
	t.Helper()
	page := run(t, "camera.mjs", "chromium", "home", server.base, adminToken, "hall")
	var offered struct {
		Kind, Hint       string
		Devices, Formats []string
		Values           []string // of width, height and rate, when a format was chosen
		Private          bool
	}
	page.report(t, &offered)
	t.Logf("%q, %q, %d formats, of which the last is %q", offered.Devices, offered.Hint, len(offered.Formats), offered.Formats[len(offered.Formats)-1])
	if !slices.Equal(offered.Devices, []string{"The first that works", "vivid"}) || offered.Kind != "Camera" || !offered.Private ||
		!strings.Contains(offered.Hint, "/dev/video0") || !slices.Equal(offered.Values, []string{"320", "180"}) {
		t.Errorf("%+v", offered)
	}
	var preview, watched sight
	page.report(t, &preview)
	preview.judge(t, "")
	page.report(t, &watched)
	watched.judge(t, "")
	if !strings.Contains(watched.Codec, "H.264") && !strings.Contains(watched.Codec, "H264") {
		t.Errorf("the page says %q", watched.Codec)
	}
	if reason := asksCamera(t, control); !strings.Contains(reason, "busy") {
		t.Errorf("while it is watched another program gets %q", reason)
	}
	page.proceed(t)
	page.step(t, "stopped")
	server.free(t, control)
	var left struct {
		Streams []struct {
			Name string
			Live bool
		}
	}
	ask(t, server.base+"/api/v1/streams", adminToken, &left)
	for _, one := range left.Streams {
		if one.Live || one.Name != "hall" { // which the page still waits for
			t.Errorf("after the page has stopped it there is %+v", one)
		}
	}
	page.proceed(t)
}
