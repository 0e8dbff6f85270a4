package exec

import (
	"strings"
	"testing"
)

func allowed(t *testing.T, settings ...string) Allowed {
	t.Helper()
	a, err := ParseAllowed(settings)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAllowedIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "rtsp", "rtsp://", "rtsp://*", "rtsp://*:554", "file:///etc", "concat:x", "rtsp://a b", "srt://host", "rtsp://host:0",
		"rtsp://host:70000", "rtsp://10.0.0.0/33", "rtsp://host/8", "rtsp://user@host", "v4l2:", "lavfi:testsrc", "rtsp://.host", "rtsp://*host",
		"http://host/path", "http://host?x", "-i", "rtsp://[::1", "rtsp://[fe80::1%25eth0]",
	} {
		if a, err := ParseAllowed([]string{text}); err == nil || !strings.Contains(err.Error(), Key) {
			t.Errorf("%q gives %+v, %v", text, a, err)
		}
	}
}

func TestInputs(t *testing.T) {
	a := allowed(t, "rtsp://cam.lan", "rtsp://cam.lan:8554", "HTTP://*.example.org:*", "rtmp://10.1.0.0/16", "srt://[2001:db8::1]:9000",
		"udp://:5000", "v4l2:/dev/video0", "lavfi")
	for text, want := range map[string]string{
		"rtsp://cam.lan/live":                         "rtsp://cam.lan/live",
		"RTSP://CAM.lan.:8554/a%20b":                  "rtsp://cam.lan:8554/a%20b",
		"http://live.example.org:81/a.m3u8":           "http://live.example.org:81/a.m3u8",
		"rtmp://10.1.2.3/app/key":                     "rtmp://10.1.2.3/app/key",
		"srt://[2001:0db8:0::1]:9000?mode=caller":     "srt://[2001:db8::1]:9000?mode=caller",
		"udp://:5000":                                 "udp://:5000",
		"v4l2:/dev/video0":                            "/dev/video0",
		"LAVFI:sine":                                  "sine",
		"Udp://:5000":                                 "udp://:5000",
		"lavfi:testsrc2=s=640x360:r=30000/1001[out0]": "testsrc2=s=640x360:r=30000/1001[out0]",
		"lavfi: testsrc2 [out0]; sine=f=440 [out1]":   " testsrc2 [out0]; sine=f=440 [out1]",
	} {
		if in, err := a.parse(Params{Input: text}); err != nil || in.address != want {
			t.Errorf("%s gives %q, %v", text, in.address, err)
		}
	}
}

func TestInputsAreRefused(t *testing.T) {
	a := allowed(t, "rtsp://cam.lan", "http://cam.lan", "http://*.example.org", "rtmp://10.1.0.0/16", "srt://cam.lan:9000", "udp://:5000", "v4l2:/dev/video0", "lavfi")
	for text, want := range map[string]string{
		// Not on the list.
		"rtsp://other.lan/":          Key + " does not list rtsp://other.lan:554",
		"rtsp://cam.lan:8554/":       Key + " does not list rtsp://cam.lan:8554",
		"rtsp://[::ffff:1.2.3.4]/":   Key + " does not list rtsp://1.2.3.4:554",
		"https://cam.lan/":           Key,
		"rtsp://2130706433/":         Key,
		"rtsp://127.1/":              Key,
		"rtmp://10.2.0.1/app":        Key,
		"http://example.org/":        Key,
		"http://evilexample.org/":    Key,
		"http://example.org.evil/":   Key,
		"v4l2:/dev/video1":           Key,
		"v4l2:/dev/video0/../video1": Key,
		"udp://:5001":                Key,
		"udp://cam.lan:5000":         Key,
		// Not of this kind.
		"file:///etc/passwd":          "must be no file",
		"FILE:///etc/passwd":          "must be no file",
		"/etc/passwd":                 "files are played by the source",
		"etc/passwd":                  "files are played by the source",
		"; rm -rf /":                  "must be a URL",
		"rtsp://cam.lan/; rm -rf /":   "must have % codes",
		"$(id)":                       "must be a URL",
		"-i":                          "must be a URL",
		"-f lavfi -i x:":              "must be a URL",
		"concat:/etc/passwd|/etc/x":   "must be a URL",
		"subfile,,start,0,end,9,,:/x": "must be a URL",
		"data:text/plain,x":           "must be a URL",
		"tee:x":                       "must be a URL",
		"pipe:0":                      "must be a URL",
		"fd:":                         "must be a URL",
		"crypto+http://cam.lan/":      "must be a URL",
		"async:http://cam.lan/":       "must be a URL",
		"gopher://cam.lan/":           "must be a URL",
		"":                            "must be a URL",
		// Readable in two ways.
		"rtsp://cam.lan@evil/":    "must hold no user",
		"rtsp://me:pw@cam.lan/":   "must hold no user",
		"rtsp://evil\\@cam.lan/":  "must hold no user",
		"rtsp://evil\\.cam.lan/":  "no host name",
		"rtsp://cam.lan#@evil/":   "must have % codes",
		"rtsp://cam.lan\n/":       "control characters",
		"rtsp://cam.lan:554:80/":  "no host name",
		"rtsp://cam.lan:/":        "must have a port from 1 to 65535",
		"rtsp://cam.lan:*/":       "must have a port from 1 to 65535",
		"rtsp://cam.lan:0/":       "must have a port from 1 to 65535",
		"rtsp://cam.lan:99999/":   "must have a port from 1 to 65535",
		"rtsp://cam.lan:0554/":    "must have a port from 1 to 65535",
		"rtsp:///x":               "no host name",
		"rtsp://*.lan/":           "no host name",
		"rtsp://.lan/":            "no host name",
		"rtsp://[::1%25lo]/":      "no host name",
		"rtsp://cam.lan/\"x":      "must have % codes",
		"http://cam.lan/a b":      "must have % codes",
		"srt://cam.lan:9000?x=1":  "must not set x",
		"udp://:5000?localaddr=1": "must not set localaddr",
		"srt://cam.lan":           "must name a port",
		// Shown to everybody who may see the stream's source.
		"rtsp://cam.lan/x?key=hush": "must end before its ?",
		"http://cam.lan?":           "must end before its ?",

		"srt://cam.lan:9000?mode=caller&passphrase=hush-hush1": "must not hold its passphrase",
		"srt://cam.lan:9000?streamid=hush":                     "must not hold its streamid",

		// Graphs that open something.
		"lavfi:movie=/etc/passwd":                     "filter movie, which may open files",
		"lavfi:[in]amovie@a=/etc/passwd":              "filter amovie",
		"lavfi:testsrc,sendcmd=f=/x":                  "filter sendcmd",
		"lavfi:movie=x":                               "filter movie",
		"lavfi:amovie=x":                              "filter amovie",
		"lavfi:testsrc,drawtext=textfile=/etc/passwd": "filter drawtext",
		"lavfi:testsrc,drawtext=textfile=x":           "filter drawtext",
		"lavfi:color=/color=/etc/passwd":              "without quotes, backslashes and paths",
		"lavfi:color=c=red:/size=/etc/passwd":         "must be a graph",
		"lavfi:color= /color=0/1":                     "must be a graph",
		"lavfi:life=f=x":                              "filter life",
		"lavfi:testsrc,ladspa=file=x":                 "filter ladspa",
		"lavfi:testsrc,metadata=print:file=x":         "filter metadata",
		"lavfi:testsrc,'movie'=x":                     "must be a graph",
		"lavfi:testsrc,mo\\vie=x":                     "must be a graph",
		"lavfi:sws_flags=bilinear;testsrc":            "filter sws_flags",
		"lavfi:testsrc[a];[a]movie@x=y":               "filter movie",
		"lavfi:":                                      "must be a graph",
		"lavfi: ; ,":                                  "must be a graph",
	} {
		in, err := a.parse(Params{Input: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %q, %v, want %q", text, in.address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	if _, err := allowed(t).parse(Params{Input: "lavfi:testsrc"}); err == nil || !strings.Contains(err.Error(), Key) {
		t.Error(err)
	}
	if _, err := allowed(t, "lavfi:*").parse(Params{Input: "lavfi:movie=x"}); err != nil {
		t.Error(err)
	}
}

// User, password and query stand in the address, each where it cannot be anything else.
func TestCredentials(t *testing.T) {
	a := allowed(t, "rtsp://cam.lan", "srt://cam.lan:9000")
	in, err := a.parse(Params{Input: "rtsp://cam.lan/x", User: "me@evil/", Password: "p@s:s/?#w", Query: "a=b&key=1"})
	if want := "rtsp://me%40evil%2F:p%40s%3As%2F%3F%23w@cam.lan/x?a=b&key=1"; err != nil || in.address != want {
		t.Errorf("%s, %v, want %s", in.address, err, want)
	}
	if in.shown != "rtsp://cam.lan/x" {
		t.Errorf("shown is %s", in.shown)
	}
	line := newTail(in.secrets).mask(in.address + ": no; " + in.address[len("rtsp://"):] + " p@s:s/?#w")
	for _, secret := range []string{"w@", "key=1", "p@s", "p%40s"} {
		if strings.Contains(line, secret) {
			t.Errorf("%q is told: %s", secret, line)
		}
	}
	for _, bad := range []Params{{User: "me\r\nX: y"}, {Password: "a\nb"}} {
		bad.Input = "rtsp://cam.lan/"
		if in, err := a.parse(bad); err == nil {
			t.Errorf("a header of its own: %q", in.address)
		}
	}
	for _, query := range []string{"listen=1", "mode=listener&x=1", "a b", "a#b"} {
		if in, err := a.parse(Params{Input: "srt://cam.lan:9000", Query: query}); err == nil {
			t.Errorf("%q gives %s", query, in.address)
		}
	}
}

// Nothing that somebody chose is read as an option.
func TestArguments(t *testing.T) {
	a := allowed(t, "rtsp://cam.lan", "lavfi")
	for _, text := range []string{"rtsp://cam.lan/-y", "lavfi:testsrc"} {
		p := Params{Input: text, Transport: "tcp", Video: true, Audio: true, BitRate: 1_000_000, MaxHeight: 720}
		in, err := a.parse(p)
		if err != nil {
			t.Fatal(err)
		}
		args := arguments(p, in, plan{video: true}, "")
		all := strings.Join(args, " ")
		if !strings.Contains(all, " -i "+in.address+" -map 0:V:0? -c:v copy -map 0:a:0? -c:a libopus ") || !strings.HasSuffix(all, " -f matroska pipe:1") {
			t.Errorf("arguments %q", args)
		}
		if strings.Contains(all, "-protocol_whitelist tcp,udp,rtp -format_whitelist rtsp") != (in.name == "rtsp") {
			t.Errorf("arguments %q", args)
		}
	}
}

func FuzzInput(f *testing.F) {
	for _, text := range []string{"rtsp://cam.lan/x?y", "http://a.example.org:1/", "lavfi:testsrc=s=1x1[out0];sine", "v4l2:/dev/video0", "rtsp://[::1]:5/"} {
		f.Add(text)
	}
	a, err := ParseAllowed([]string{"rtsp://cam.lan", "http://*.example.org:*", "v4l2:/dev/video0", "lavfi"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := a.parse(Params{Input: text})
		if err != nil {
			return
		}
		switch {
		case strings.HasPrefix(in.address, "-"):
			t.Errorf("%q is an option", in.address)
		case in.name == "rtsp" && !strings.HasPrefix(in.address+"/", "rtsp://cam.lan/") && !strings.HasPrefix(in.address, "rtsp://cam.lan:554") && !strings.HasPrefix(in.address, "rtsp://cam.lan?"):
			t.Errorf("%q is another host", in.address)
		case in.name == formatLavfi && (strings.ContainsAny(in.address, "'\\") || strings.Contains(in.address, "movie")):
			t.Errorf("%q is no plain graph", in.address)
		}
	})
}
