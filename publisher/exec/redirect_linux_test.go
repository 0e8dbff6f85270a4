package exec

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// rtspServer answers each request of RTSP with what answer makes of its first line and header: a status and header lines.
func rtspServer(t *testing.T, answer func(line string, header textproto.MIMEHeader) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = c.Close() }()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				for r := textproto.NewReader(bufio.NewReader(c)); ; {
					line, err := r.ReadLine()
					if err != nil {
						return
					}
					header, err := r.ReadMIMEHeader()
					if err != nil {
						return
					}
					_, _ = fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\n\r\n", answer(line, header), header.Get("Cseq"))
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return l.Addr().String()
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(string(text), "#", " ")), " ")
}

// FFmpeg follows an RTSP server's redirect to a host that nobody has listed, and hands it the password. It has no option
// against that. If this fails, a version of FFmpeg no longer does so, and README, the setting's comment and the parameter's
// description can say so.
func TestRedirectOfRTSP(t *testing.T) {
	t.Parallel()
	told := make(chan string, 16)
	elsewhere := rtspServer(t, func(_ string, header textproto.MIMEHeader) string {
		if got := header.Get("Authorization"); got != "" {
			told <- got
			return "404 Not Found"
		}
		return "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"elsewhere\""
	})
	camera := rtspServer(t, func(line string, _ textproto.MIMEHeader) string {
		if strings.HasPrefix(line, "OPTIONS") {
			return "200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY"
		}
		return "302 Found\r\nLocation: rtsp://" + elsewhere + "/cam"
	})
	s := plays(t, installed(t, "rtsp://"+camera), `{"input":"rtsp://`+camera+`/cam","user":"me","password":"hunter2","transport":"tcp","video":true,"timeout":10}`)
	if err := s.end(t); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	select {
	case got := <-told:
		if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:hunter2")); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	default:
		t.Error("no password has come to the other host")
	}
	for _, text := range []string{string(Schema()), content(t, "../../README.md"), content(t, "../../config/weir.yaml")} {
		if !strings.Contains(text, "can redirect FFmpeg to any") {
			t.Errorf("it is not said in %.300s", text)
		}
	}
}
