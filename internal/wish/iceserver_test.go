package wish_test

import (
	"regexp"
	"strings"
	"testing"

	"weir/internal/wish"
)

func TestICEServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, link string }{
		{"stun:stun.example.net", `<stun:stun.example.net>; rel="ice-server"`},
		{"STUN:192.0.2.1:3478", `<stun:192.0.2.1:3478>; rel="ice-server"`},
		{"stuns:[2001:db8::1]:5349", `<stuns:[2001:db8::1]:5349>; rel="ice-server"`},
		{"stun:[2001:db8::1]", `<stun:[2001:db8::1]>; rel="ice-server"`},
		{"turn:user:pass@turn.example.net?transport=udp", `<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="pass"; credential-type="password"`},
		{"turns:1700000000%3Auser:a%2Bb/c==@turn.example.net:5349?transport=tcp", `<turns:turn.example.net:5349?transport=tcp>; rel="ice-server"; username="1700000000:user"; credential="a+b/c=="; credential-type="password"`},
		{"turn:user:p:a@ss@host", `<turn:host>; rel="ice-server"; username="user"; credential="p:a@ss"; credential-type="password"`},
	} {
		server, err := wish.ParseICEServer(test.in)
		if err != nil {
			t.Errorf("%q: %v", test.in, err)
			continue
		}
		if got := server.Link(); got != test.link {
			t.Errorf("%q\n got %s\nwant %s", test.in, got, test.link)
		}
	}
	for _, bad := range []string{
		"", "stun", "stun:", "http://x", "stun://host", "turn:host", "turn:user@host", "turn:user:@host", "turn::pass@host", "stun:user:pass@host",
		"turn:us,er:pass@host", "turn:user:pa%3Bss@host", "turn:user:pa%22ss@host", "turn:user:pa'ss@host", "turn:user:%zz@host", "turn:user:pa%0D%0Ass@host",
		"turn:user:pass@host?transport=sctp", "stun:host?transport=udp", "stun:ho st", "stun:host:0", "stun:host:99999", "stun:host:x", "stun:2001:db8::1", "stun:[host]", "stun:[::1", "stun:host>",
	} {
		if server, err := wish.ParseICEServer(bad); err == nil {
			t.Errorf("%q became %+v", bad, server)
		} else if strings.Contains(err.Error(), "pass") {
			t.Errorf("%q: the error may tell a password: %v", bad, err)
		}
	}
}

// linkForm is what clients that take a Link apart by hand expect.
var linkForm = regexp.MustCompile(`^<(stuns?|turns?):[^/<>,; "]+>; rel="ice-server"(; username="[^",;\\]+"; credential="[^",;\\]+"; credential-type="password")?$`)

func FuzzLink(f *testing.F) {
	for _, seed := range []string{"stun:host", "turn:u:p@host?transport=udp", "turns:a%2Bb:c@[::1]:1", "turn:u:p%0d@h", `turn:u:"@h`, "stun:h,b", "turn:%:p@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		server, err := wish.ParseICEServer(s)
		if err != nil {
			return
		}
		link := server.Link()
		if !linkForm.MatchString(link) {
			t.Fatalf("%q became %q", s, link)
		}
		if turn := strings.HasPrefix(link, "<turn"); turn != strings.Contains(link, "credential=") {
			t.Fatalf("%q has credentials where it should not, or none: %q", s, link)
		}
	})
}
