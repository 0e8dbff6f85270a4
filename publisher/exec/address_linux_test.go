package exec

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// addressed makes sources of this binary in place of FFmpeg, for which each name has the addresses that it names itself, "_"
// between them and "-" for ".": 127-0-0-1_10-0-0-1.lan.
func addressed(t *testing.T, inputs ...string) *FFmpeg {
	t.Helper()
	return New(Options{Path: os.Args[0], Allowed: allowed(t, inputs...), Lookup: func(_ context.Context, name string) ([]netip.Addr, error) {
		if addr, err := netip.ParseAddr(name); err == nil {
			return []netip.Addr{addr}, nil
		}
		var all []netip.Addr
		for text := range strings.SplitSeq(strings.TrimSuffix(name, ".lan"), "_") {
			addr, err := netip.ParseAddr(strings.ReplaceAll(text, "-", "."))
			if err != nil {
				return nil, errors.New("no such host")
			}
			all = append(all, addr)
		}
		return all, nil
	}})
}

// A name that is listed leads to no address of this machine, its links or its cloud unless that is listed itself.
func TestNamesThatLead(t *testing.T) {
	t.Parallel()
	f := addressed(t, "rtsp://*.lan", "rtsp://*.0.0.1", "rtsp://127.0.0.2", "rtsp://169.254.7.0/24", "rtsp://127.0.0.4:8554")
	const refused = "is an address of this machine"
	for host, want := range map[string]string{
		"127-0-0-1.lan":          refused,
		"10-0-0-1_127-0-0-1.lan": refused, // it may be either
		"169-254-169-254.lan":    refused,
		"168-63-129-16.lan":      refused,
		"100-100-100-200.lan":    refused,
		"0-0-0-0.lan":            refused,
		"127-0-0-4.lan":          refused, // at another port
		"169-254-8-1.lan":        refused,
		"none.lan":               "no such host",
		"127.0.0.1":              "does not list", // a pattern is of names
		"127-0-0-2.lan":          "",
		"169-254-7-1.lan":        "",
		"127.0.0.2":              "",
		"10-0-0-1.lan":           "",
	} {
		in, err := f.opts.Allowed.parse(Params{Input: "rtsp://" + host + "/x"})
		if err == nil {
			err = f.leads(t.Context(), in)
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", host, err, want)
		}
	}
	for text, inside := range map[string]bool{
		"::1": true, "::": true, "fe80::1": true, "fd00:ec2::254": true, "::ffff:127.0.0.1": true, "64:ff9b::7f00:1": true, "64:ff9b::a9fe:a9fe": true,
		"ff02::1": true, "224.0.0.1": true, "2001:db8::1": false, "192.168.1.1": false, "fd00::1": false, "239.1.2.3": false, "64:ff9b::a00:1": false,
	} {
		if got := within(netip.MustParseAddr(text)); got != inside {
			t.Errorf("%s: %v", text, got)
		}
	}
	// No child is started.
	if err := plays(t, f, `{"input":"rtsp://127-0-0-1.lan/x","transport":"tcp","video":true,"timeout":10}`).end(t); err == nil || !strings.Contains(err.Error(), refused) {
		t.Error(err)
	}
}

// The address of another server is not gone to, though it is one of HTTP.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(first.Close)
	err := plays(t, installed(t, first.URL), `{"input":"`+first.URL+`/x.ts","video":true,"timeout":5}`).end(t)
	if err == nil || asked.Load() > 0 {
		t.Errorf("%v; asked %d times", err, asked.Load())
	}
}

// The password goes to no server whose certificate nobody trusts.
func TestCertificates(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.StartTLS()
	t.Cleanup(web.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	rtmps, shaken := shakes(t, web.TLS.Certificates)
	for input, count := range map[string]*atomic.Int32{web.URL: &asked, "rtmps://" + rtmps: shaken} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			strict := installed(t, input)
			trusting := installed(t, input)
			trusting.opts.CAFile = ca
			params := `{"input":"` + input + `/x","user":"me","password":"secret","video":true,"timeout":5}`
			err := plays(t, strict, params).end(t)
			if n := count.Load(); err == nil || n > 0 {
				t.Errorf("%v; asked %d times", err, n)
			}
			err = plays(t, trusting, params).end(t)
			if n := count.Load(); err == nil || n == 0 {
				t.Errorf("with its certificate: %v; asked %d times", err, n)
			}
		})
	}
}

// shakes counts those who send something after the handshake of TLS.
func shakes(t *testing.T, certificates []tls.Certificate) (addr string, count *atomic.Int32) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	count = &atomic.Int32{}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if n, _ := c.Read(make([]byte, 16)); n > 0 {
				count.Add(1)
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return l.Addr().String(), count
}
