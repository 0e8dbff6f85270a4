package wish_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/wish"
)

const host1 = "candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host"

const host2 = "candidate:2 1 udp 2130706430 192.0.2.2 40000 typ host"

// crlf makes a body of lines.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

var fragments = []struct {
	name string
	body string
	want wish.Fragment
}{
	{
		name: "RFC 9725 example",
		body: crlf("a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "a="+host1, "a=end-of-candidates"),
		want: wish.Fragment{
			Ufrag: "EsAw", Pwd: "P2uYro0UCOQ4zxjKXaWCBui1",
			Sections: []wish.FragmentSection{{Media: "audio", Mid: "0", Candidates: []string{host1}, EndOfCandidates: true}},
		},
	},
	{
		name: "RFC 9725 restart reply",
		body: crlf("a=ice-lite", "a=ice-options:trickle  ice2", "a=ice-pacing:50", "a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "a=ice-ufrag:289b31b754eaa438", "a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a", "a="+host1, "a=end-of-candidates", "m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:1"),
		want: wish.Fragment{
			Ufrag: "289b31b754eaa438", Pwd: "0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a", Lite: true, Options: "trickle ice2", Pacing: "50",
			Sections: []wish.FragmentSection{
				{Media: "audio", Mid: "0", Candidates: []string{host1}, EndOfCandidates: true},
				{Media: "video", Mid: "1"},
			},
		},
	},
	{
		name: "simple-whip-client: session level, RTP/AVP 0",
		body: crlf("a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "m=audio 9 RTP/AVP 0", "a=mid:0", "a="+host1, "a="+host2),
		want: wish.Fragment{
			Ufrag: "EsAw", Pwd: "P2uYro0UCOQ4zxjKXaWCBui1",
			Sections: []wish.FragmentSection{{Media: "audio", Mid: "0", Candidates: []string{host1, host2}}},
		},
	},
	{
		name: "Eyevinn: one candidate under every mid, component 0",
		body: crlf("a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "m=audio 9 RTP/AVP 0", "a=mid:0", "a="+strings.Replace(host1, " 1 udp", " 0 udp", 1), "m=audio 9 RTP/AVP 0", "a=mid:1", "a="+host1),
		want: wish.Fragment{
			Ufrag: "EsAw", Pwd: "P2uYro0UCOQ4zxjKXaWCBui1",
			Sections: []wish.FragmentSection{
				{Media: "audio", Mid: "0", Candidates: []string{host1}},
				{Media: "audio", Mid: "1", Candidates: []string{host1}},
			},
			Leniencies: []string{wish.LenientComponent},
		},
	},
	{
		name: "whip-whep: restart of two lines",
		body: crlf("a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1"),
		want: wish.Fragment{
			Ufrag: "EsAw", Pwd: "P2uYro0UCOQ4zxjKXaWCBui1",
			Leniencies: []string{wish.LenientNoMedia},
		},
	},
	{
		name: "whip-whep: an empty candidate",
		body: crlf("a=ice-ufrag:EsAw", "m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "a=", "a=candidate:", "a=end-of-candidates"),
		want: wish.Fragment{
			Ufrag:      "EsAw",
			Sections:   []wish.FragmentSection{{Media: "video", Mid: "0", EndOfCandidates: true}},
			Leniencies: []string{wish.LenientEmptyAttribute},
		},
	},
	{
		name: "candidates without m= line, LF, attribute names in capitals, unknown attributes, other lines",
		body: "v=0\na=ICE-UFRAG:EsAw\na=Candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\na=x-unknown:1\na=end-of-candidates\n\n",
		want: wish.Fragment{
			Ufrag: "EsAw", EndOfCandidates: true,
			Sections:   []wish.FragmentSection{{Candidates: []string{host1}}},
			Leniencies: []string{wish.LenientLineFeed, wish.LenientOtherLine, wish.LenientNoMedia},
		},
	},
	{
		name: "m= line with the medium alone, no line end at the end",
		body: "m=video\r\na=mid:v\r\na=" + host1,
		want: wish.Fragment{
			Sections:   []wish.FragmentSection{{Media: "video", Mid: "v", Candidates: []string{host1}}},
			Leniencies: []string{wish.LenientLineFeed},
		},
	},
	{
		name: "sections of another transport",
		body: crlf("m=audio 9 x 0", "a=mid:0", "a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "a="+host1, "m=video 9 x 0", "a=mid:1", "a=ice-ufrag:other", "a=ice-pwd:otherotherotherotherother", "a="+host2),
		want: wish.Fragment{
			Ufrag: "EsAw", Pwd: "P2uYro0UCOQ4zxjKXaWCBui1",
			Sections:   []wish.FragmentSection{{Media: "audio", Mid: "0", Candidates: []string{host1}}, {Media: "video", Mid: "1"}},
			Leniencies: []string{wish.LenientCredentials},
		},
	},
}

func TestFragment(t *testing.T) {
	t.Parallel()
	for _, test := range fragments {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := wish.ParseFragment([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("parsed fragment (-want +got):\n%s", diff)
			}
			again, err := wish.ParseFragment([]byte(got.String()))
			if err != nil {
				t.Fatalf("parse what was printed: %v\n%s", err, got)
			}
			if diff := cmp.Diff(got, again, cmpopts.IgnoreFields(wish.Fragment{}, "Leniencies")); diff != "" {
				t.Errorf("after printing and parsing (-first +second):\n%s", diff)
			}
		})
	}
}

func TestFragmentString(t *testing.T) {
	t.Parallel()
	f := wish.Fragment{
		Ufrag: "EsAw", Pwd: "P2uYro0UCOQ4zxjKXaWCBui1", Options: "trickle ice2",
		Sections: []wish.FragmentSection{
			{Media: "video", Mid: "0", Candidates: []string{host1, host2}, EndOfCandidates: true},
			{Media: "audio", Mid: "1", Candidates: []string{host2, host1}},
		},
	}
	want := crlf("a=ice-options:trickle ice2", "a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "a="+host1, "a="+host2, "a=end-of-candidates", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:1", "a="+host2, "a="+host1)
	if diff := cmp.Diff(want, f.String()); diff != "" {
		t.Errorf("printed fragment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{host1, host2}, f.Candidates()); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
	if !f.Ended() {
		t.Error("end of candidates in a section does not count")
	}
}

func manyCandidates(n int) string {
	var b strings.Builder
	b.WriteString("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n")
	for i := range n {
		fmt.Fprintf(&b, "a=candidate:%d 1 udp 1 192.0.2.1 %d typ host\r\n", i, 1000+i)
	}
	return b.String()
}

func TestFragmentRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body, code string
		status           int
	}{
		{"empty", "", "fragment_malformed", 400},
		{"line ends only", "\r\n\n\r\n", "fragment_malformed", 400},
		{"binary", "\x00\x01\xff\xfe\x80", "fragment_malformed", 400},
		{"control characters", "a=mid:\x01\r\n", "fragment_malformed", 400},
		{"plain words", "these are not the candidates\r\n", "fragment_malformed", 400},
		{"m= without content", "m=\r\n", "fragment_malformed", 400},
		{"m= with blanks", "m=  \r\n", "fragment_malformed", 400},
		{"attribute without a name", "a=:1\r\n", "fragment_malformed", 400},
		{"JSON", `{"candidate":"candidate:1"}`, "fragment_malformed", 400},
		{"too many candidates", manyCandidates(wish.MaxCandidates + 1), "too_many_candidates", 422},
		{"too large", strings.Repeat("a=x\r\n", wish.MaxFragment/5+1), "fragment_too_large", 413},
		{"short credentials", "a=ice-ufrag:ab\r\na=ice-pwd:short\r\n", "ice_credentials", 422},
		{"short pwd", "a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n", "ice_credentials", 422},
		{"long ufrag", "a=ice-ufrag:" + strings.Repeat("a", 257) + "\r\n", "ice_credentials", 422},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := wish.ParseFragment([]byte(test.body))
			refusal, ok := errors.AsType[*wish.Refusal](err)
			if !ok || refusal.Status != test.status || refusal.Code != test.code {
				t.Errorf("got %v, want a refusal with %d %s", err, test.status, test.code)
			}
		})
	}
	if f, err := wish.ParseFragment([]byte(manyCandidates(wish.MaxCandidates))); err != nil || len(f.Candidates()) != wish.MaxCandidates {
		t.Errorf("of %d candidates %d were read: %v", wish.MaxCandidates, len(f.Candidates()), err)
	}
}

func FuzzFragment(f *testing.F) {
	for _, test := range fragments {
		f.Add([]byte(test.body))
	}
	f.Add([]byte("m=\r\n"))
	f.Add([]byte("a=ice-ufrag:abcd\nm=a\na=ice-pwd:0123456789012345678901\nm=b\na=ice-ufrag:dcba"))
	f.Add([]byte("\x00\x01\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := wish.ParseFragment(body)
		if err != nil {
			refusal, ok := errors.AsType[*wish.Refusal](err)
			if !ok || refusal.Status < 400 || refusal.Status > 499 || refusal.Code == "" {
				t.Fatalf("not a refusal of the client's doing: %v", err)
			}
			return
		}
		candidates := first.Candidates()
		if len(candidates) > wish.MaxCandidates {
			t.Fatalf("%d candidates", len(candidates))
		}
		second, err := wish.ParseFragment([]byte(first.String()))
		if err != nil {
			if first.String() == "" {
				return // nothing in it that a fragment prints
			}
			if len(first.String()) > wish.MaxFragment {
				return // line ends became longer
			}
			t.Fatalf("parse what was printed: %v\n%q", err, first.String())
		}
		if diff := cmp.Diff(first, second, cmpopts.IgnoreFields(wish.Fragment{}, "Leniencies")); diff != "" {
			t.Fatalf("after printing and parsing (-first +second):\n%s", diff)
		}
	})
}
