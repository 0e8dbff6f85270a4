package wish_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/wish"
)

func TestParseLinks(t *testing.T) {
	t.Parallel()
	turn := wish.ICEServer{URL: "turn:turn.example:3478?transport=udp", Username: "u", Credential: `p"w,;`}
	stun := wish.ICEServer{URL: "stun:stun.example"}
	for name, c := range map[string]struct {
		values []string
		want   []wish.ICEServer
	}{
		"none":              {nil, nil},
		"our own":           {[]string{stun.Link()}, []wish.ICEServer{stun}},
		"a line each":       {[]string{stun.Link(), `<turn:turn.example:3478?transport=udp>; rel="ice-server"; username="u"; credential="p\"w,;"; credential-type="password"`}, []wish.ICEServer{stun, turn}},
		"one line":          {[]string{`<turn:turn.example:3478?transport=udp>;credential="p\"w,;" ; REL=ice-server;username=u , <stun:stun.example>;rel="x ice-server"`}, []wish.ICEServer{turn, stun}},
		"other relations":   {[]string{`<https://example.org/>; rel="next", <stun:stun.example>; rel="ice-server", <stun:b>; rel=ice-servers`}, []wish.ICEServer{stun}},
		"without a user":    {[]string{`<turn:a>; rel="ice-server"`, `<turn:a>; rel="ice-server"; username="u"`}, nil},
		"stun with a user":  {[]string{`<stun:a>; rel="ice-server"; username="u"; credential="p"`}, []wish.ICEServer{{URL: "stun:a"}}},
		"a user in the URL": {[]string{`<stun:u@a>; rel="ice-server"`}, nil},
		"no URL":            {[]string{`<stun>; rel="ice-server"`, `<http://a>; rel="ice-server"`, `<stun:>; rel="ice-server"`, `<stun:a:0>; rel="ice-server"`, `<stun://a>; rel="ice-server"`}, nil},
		"broken":            {[]string{`stun:a; rel="ice-server"`, `<stun:a; rel="ice-server"`, `<stun:a>; rel="ice-server`, `<`, `>`, `;;,,`}, nil},
		"too long":          {[]string{`<stun:a>; x="` + strings.Repeat("x", 20<<10) + `"; rel="ice-server"`}, nil},
		"too many":          {[]string{strings.Repeat(`<stun:a>; rel="ice-server",`, 500)}, slices.Repeat([]wish.ICEServer{{URL: "stun:a"}}, 16)},
	} {
		if diff := cmp.Diff(c.want, wish.ParseLinks(c.values)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func FuzzParseLinks(f *testing.F) {
	f.Add(`<turn:turn.example:3478?transport=udp>; rel="ice-server"; username="u"; credential="p\"w"; credential-type="password", <stun:[::1]:3478>;rel=ice-server`)
	f.Add(`<stun:a>;rel;=;"`)
	f.Fuzz(func(t *testing.T, value string) {
		for _, s := range wish.ParseLinks([]string{value}) {
			if strings.ContainsAny(s.URL, "<>@ ") || strings.HasPrefix(s.URL, "turn") != (s.Username != "") {
				t.Errorf("%q gives %+v", value, s)
			}
		}
	})
}
