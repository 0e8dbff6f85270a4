package relay_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"weir/relay"
)

func hostsOf(t *testing.T, texts ...string) []relay.Host {
	t.Helper()
	var all []relay.Host
	for _, text := range texts {
		h, err := relay.ParseHost(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hosts []string
		url   string
		taken bool
	}{
		{nil, "https://example.org/whep/a", false},
		{[]string{"example.org"}, "https://example.org/whep/a", true},
		{[]string{"example.org"}, "https://EXAMPLE.org./whep/a", true},
		{[]string{"example.org"}, "http://example.org/whep/a", true},
		{[]string{"example.org"}, "https://example.org:8443/whep/a", false},
		{[]string{"example.org:8443"}, "https://example.org:8443/whep/a", true},
		{[]string{"example.org:8443"}, "https://example.org/whep/a", false},
		{[]string{"example.org:*"}, "https://example.org:1/whep/a", true},
		{[]string{"example.org"}, "https://example.org.evil.net/", false},
		{[]string{"example.org"}, "https://evil-example.org/", false},
		{[]string{"example.org"}, "https://example.org@evil.net/", false},
		{[]string{"example.org"}, "https://evil.net#example.org", false},
		{[]string{"example.org"}, "https://user:pass@example.org/", false},
		{[]string{"example.org:*"}, "https://example.org:0/", false},
		{[]string{"example.org:*"}, "ftp://example.org/", false},
		{[]string{"example.org:*"}, "file:///etc/passwd", false},
		{[]string{"example.org:*"}, "//example.org/", false},
		{[]string{"*.example.org"}, "https://a.b.example.org/", true},
		{[]string{"*.example.org"}, "https://example.org/", false},
		{[]string{"*"}, "https://anything.net/", true},
		{[]string{"*"}, "https://93.184.216.34/", true},
		{[]string{"*"}, "https://127.0.0.1/", false},
		{[]string{"*:*"}, "http://[::1]:8080/", false},
		{[]string{"*:*"}, "http://[::ffff:127.0.0.1]:8080/", false},
		{[]string{"*:*"}, "http://[fe80::1%25eth0]:8080/", false},
		{[]string{"*:*"}, "http://169.254.169.254/latest/meta-data/", false},
		{[]string{"127.0.0.1:8080"}, "http://127.0.0.1:8080/whep/a", true},
		{[]string{"127.0.0.1:8080"}, "http://127.0.0.1:8081/whep/a", false},
		{[]string{"127.0.0.1:8080"}, "http://127.0.0.2:8080/whep/a", false},
		{[]string{"127.0.0.1"}, "http://[::ffff:127.0.0.1]/whep/a", true},
		{[]string{"10.0.0.0/8:*"}, "http://10.1.2.3:99/whep/a", true},
		{[]string{"[::1]:8080"}, "http://[::1]:8080/", true},
		{[]string{"::1"}, "http://[::1]/", true},
		{[]string{"2001:db8::/32"}, "http://[2001:db8::5]/", true},
	} {
		if err := relay.CheckURL(hostsOf(t, c.hosts...), c.url); err == nil != c.taken {
			t.Errorf("%v, %s: %v", c.hosts, c.url, err)
		}
	}
	for _, bad := range []string{"", "a b", "http://example.org", "example.org:0", "example.org:70000", "example.org:", "*.*.org", "ex*mple.org", "-a.org", "fe80::1%eth0"} {
		if _, err := relay.ParseHost(bad); err == nil {
			t.Errorf("%q is taken for a host", bad)
		}
	}
}

// A name allows public addresses alone.
func TestAddresses(t *testing.T) {
	t.Parallel()
	everyName := hostsOf(t, "*:*")
	for address, taken := range map[string]bool{
		"93.184.216.34:443": true, "[2606:2800:220:1::1]:443": true,
		"127.0.0.1:80": false, "127.8.8.8:80": false, "0.0.0.0:80": false, "[::1]:80": false, "[::]:80": false, "[::ffff:127.0.0.1]:80": false,
		"169.254.169.254:80": false, "[fe80::1]:80": false, "[fd00:ec2::254]:80": false, "10.0.0.1:80": false, "172.16.0.1:80": false,
		"192.168.1.1:80": false, "100.64.0.1:80": false, "100.100.100.200:80": false, "224.0.0.1:80": false, "255.255.255.255:80": false,
		"[64:ff9b::7f00:1]:80": false, "[2002:7f00:1::]:80": false, "192.0.0.192:80": false, "168.63.129.16:80": false, "168.63.129.17:80": true,
	} {
		to := netip.MustParseAddrPort(address)
		if err := relay.CheckDial(everyName, to); err == nil != taken {
			t.Errorf("%s: %v", address, err)
		}
		if err := relay.CheckDial(hostsOf(t, to.Addr().Unmap().String()+"/0", to.Addr().Unmap().String()), to); !taken && err == nil != (to.Port() == 80) {
			t.Errorf("%s, listed: %v", address, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "2": 2 * time.Second, "0": 0, "-5": 0, "999999999": time.Minute, "99999999999999999999": 0, "soon": 0,
		now.Add(30 * time.Second).Format(http.TimeFormat): 30 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(time.Hour).Format(http.TimeFormat):        time.Minute,
	} {
		if got := relay.RetryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// Attempts come slower and slower, and not all at the same times.
func TestBackoff(t *testing.T) {
	t.Parallel()
	all, others := relay.Backoffs(12), relay.Backoffs(12)
	same := 0
	for i, d := range all {
		least := min(250*time.Millisecond<<i, 30*time.Second) * 3 / 4
		if d < least || d > least*2 {
			t.Errorf("attempt %d after %v, want %v to %v", i, d, least, least*2)
		}
		if d == others[i] {
			same++
		}
	}
	if same == len(all) {
		t.Error("two relays ask at the same times")
	}
}

// What is wrong with an address is told in words that fit, to a push and to a source alike.
func TestWrongAddresses(t *testing.T) {
	t.Parallel()
	n := newNode(t, nodeOptions{})
	for url, want := range map[string]string{
		"http://127.0.0.1:0/whip/x":       "the port must be one from 1 to 65535",
		"http://127.0.0.1:99999/whip/x":   "the port must be one from 1 to 65535",
		"http://127.0.0.1:80/whip/x#hush": "the address must end before its #",
		"http://127.0.0.1:80/whip/x#":     "the address must end before its #",
		"http:///whip/x":                  "the address is not complete",
	} {
		if _, err := n.relay.Push("live", relay.PushStart{URL: url}); !errors.Is(err, relay.ErrHost) || !strings.Contains(err.Error(), want) {
			t.Errorf("a push to %s: %v, want %s", url, err, want)
		}
		params, err := json.Marshal(map[string]string{"url": url})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.relay.Kind().New("live", params); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("a source from %s: %v, want %s", url, err, want)
		}
	}
}
