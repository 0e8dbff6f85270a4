package negotiate_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/ice/v4"

	"weir/session/negotiate"
)

func TestCandidateFilter(t *testing.T) {
	none, local, mdns := negotiate.CandidateFilter{}, negotiate.CandidateFilter{Loopback: true}, negotiate.CandidateFilter{MDNS: true}
	for _, c := range []struct {
		line string
		f    negotiate.CandidateFilter
		want string // "" for dropped
	}{
		{
			"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host generation 0 ufrag abcd network-id 1",
			none,
			"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
		},
		{"1 1 UDP 5 192.0.2.1 5000 typ host", none, "candidate:1 1 udp 5 192.0.2.1 5000 typ host"},
		{"candidate:1 0 udp 5 192.0.2.1 5000 typ host", none, "candidate:1 1 udp 5 192.0.2.1 5000 typ host"},
		{
			"candidate:1 1 udp 5 ::ffff:192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport 5",
			none,
			"candidate:1 1 udp 5 192.0.2.1 5000 typ srflx raddr 0.0.0.0 rport 9",
		},
		{"candidate:1 2 udp 5 192.0.2.1 5001 typ host", none, ""},
		{"candidate:1 1 tcp 5 192.0.2.1 9 typ host tcptype active", none, ""},
		{"candidate:1 1 udp 5 192.0.2.1 0 typ host", none, ""},
		{"candidate:1 1 udp 5 192.0.2.1 65536 typ host", none, ""},
		{"candidate:1 1 udp 99999999999 192.0.2.1 5 typ host", none, ""},
		{"candidate:1 1 udp 5 127.0.0.1 5000 typ host", none, ""},
		{"candidate:1 1 udp 5 127.0.0.1 5000 typ host", local, "candidate:1 1 udp 5 127.0.0.1 5000 typ host"},
		{"candidate:1 1 udp 5 0.0.0.0 5000 typ host", local, ""},
		{"candidate:1 1 udp 5 224.0.0.1 5000 typ host", none, ""},
		{"candidate:1 1 udp 5 fe80::1%eth0 5000 typ host", none, ""},
		{"candidate:1 1 udp 5 a-b.local 5000 typ host", none, ""},
		{"candidate:1 1 udp 5 a-b.local 5000 typ host", mdns, "candidate:1 1 udp 5 a-b.local 5000 typ host"},
		{"candidate:1 1 udp 5 a.b.local 5000 typ host", mdns, ""},
		{"candidate:1 1 udp 5 example.com 5000 typ host", mdns, ""},
		{"candidate:1 1 udp 5 192.0.2.1 5000 typ other", none, ""},
		{"candidate:1 1 udp 5 192.0.2.1 5000", none, ""},
		{"", none, ""},
	} {
		got, ok := c.f.Parse(c.line)
		if ok != (c.want != "") || ok && got.Line != c.want {
			t.Errorf("%q: got %q, %v; want %q", c.line, got.Line, ok, c.want)
		}
	}
	if c, _ := none.Parse("candidate:1 1 udp 5 192.0.2.1 5000 typ host generation 0 ufrag abcd"); c.Ufrag != "abcd" {
		t.Errorf("ufrag %q", c.Ufrag)
	}
}

// What passes is something that pion takes, and passes again as it is.
func FuzzCandidate(f *testing.F) {
	for _, offers := range []map[string]string{fixtures(f), published(f)} {
		for _, offer := range offers {
			for line := range strings.Lines(offer) {
				if strings.HasPrefix(line, "a=candidate:") {
					f.Add(strings.TrimSpace(line))
				}
			}
		}
	}
	f.Add("0 0 UDP 00 192.0.2.1 01 tYp host")
	filter := negotiate.CandidateFilter{MDNS: true}
	f.Fuzz(func(t *testing.T, line string) {
		c, ok := filter.Parse(line)
		if !ok {
			return
		}
		if _, err := ice.UnmarshalCandidate(c.Line); err != nil {
			t.Errorf("%q became %q: %v", line, c.Line, err)
		}
		if again, ok := filter.Parse(c.Line); !ok || again.Line != c.Line || again.Key != c.Key {
			t.Errorf("%q became %q and then %q", line, c.Line, again.Line)
		}
		if addr, err := netip.ParseAddr(strings.Fields(c.Line)[4]); err == nil && (addr.IsLoopback() || addr.IsMulticast() || addr.Zone() != "") {
			t.Errorf("%q lets %s through", line, addr)
		}
	})
}
