package negotiate_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/sdp/v3"

	"weir/internal/codec"
	"weir/internal/wish"
	"weir/session/negotiate"
	"weir/stream"
)

// The formats of a stream as our own publishers declare them.
var (
	ourH264 = codec.Format{Name: "H264", ClockRate: 90000, Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}
	ourVP8  = codec.Format{Name: "VP8", ClockRate: 90000}
	ourOpus = codec.Format{Name: "opus", ClockRate: 48000, Channels: 2, Fmtp: "minptime=10;sprop-stereo=1;useinbandfec=1"}
)

// tracks makes specs of formats.
func tracks(formats ...codec.Format) []stream.Spec {
	specs := make([]stream.Spec, len(formats))
	for i, format := range formats {
		specs[i].Format = format
	}
	return specs
}

// fixtures returns the offers in testdata by file name. Lines that begin with # tell where a rebuilt one comes from; rebuilt
// ones lie there with LF.
func fixtures(tb testing.TB) map[string]string {
	tb.Helper()
	return readOffers(tb, "testdata/offers/*.sdp")
}

// sentence is how what pages show to people begins and ends.
var sentence = regexp.MustCompile(`^[A-Z].*\.$`)

// refusalOf negotiates and wants a refusal.
func refusalOf(t *testing.T, offer string, specs []stream.Spec) *wish.Refusal {
	t.Helper()
	plan, err := negotiate.Egress(offer, specs)
	var refusal *wish.Refusal
	if !errors.As(err, &refusal) || plan != nil {
		t.Fatalf("got plan %v and error %v, want a refusal alone", plan, err)
	}
	if refusal.Code == "" || refusal.Detail == "" || refusal.Remedy == "" {
		t.Errorf("the refusal is not complete: %+v", refusal)
	}
	for _, text := range []string{refusal.Detail, refusal.Remedy} {
		if !sentence.MatchString(text) {
			t.Errorf("%q is no sentence", text)
		}
	}
	return refusal
}

// section is one media section of the offers that these tests make up.
type section struct {
	kind, port, proto, formats string
	lines                      []string
}

func video(lines ...string) section {
	return section{kind: "video", port: "9", proto: "UDP/TLS/RTP/SAVPF", formats: "96 97", lines: append([]string{
		"recvonly", "rtcp-mux", "rtpmap:96 H264/90000", "fmtp:96 packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1",
		"rtcp-fb:96 nack", "rtcp-fb:96 nack pli", "rtpmap:97 rtx/90000", "fmtp:97 apt=96",
	}, lines...)}
}

func audio(lines ...string) section {
	return section{kind: "audio", port: "9", proto: "UDP/TLS/RTP/SAVPF", formats: "111", lines: append([]string{
		"recvonly", "rtcp-mux", "rtpmap:111 opus/48000/2",
	}, lines...)}
}

const fingerprint = "fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08"

// transport is what every offer says at session level here.
func transport() []string {
	return []string{"ice-ufrag:abcd", "ice-pwd:abcdefghijklmnopqrstuv", "setup:actpass", fingerprint}
}

// offerOf writes an offer; each section gets its index as its mid unless it states one.
func offerOf(session []string, sections ...section) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
	for _, line := range session {
		b.WriteString("a=" + line + "\r\n")
	}
	for i, s := range sections {
		fmt.Fprintf(&b, "m=%s %s %s %s\r\n", s.kind, s.port, s.proto, s.formats)
		if !slices.ContainsFunc(s.lines, func(line string) bool { return strings.HasPrefix(line, "mid") }) {
			fmt.Fprintf(&b, "a=mid:%d\r\n", i)
		}
		for _, line := range s.lines {
			b.WriteString("a=" + line + "\r\n")
		}
	}
	return b.String()
}

// bundle is transport with a BUNDLE group of these mids.
func bundle(mids string) []string { return append(transport(), "group:BUNDLE "+mids) }

// edit changes an offer and insists that there was something to change.
func edit(t *testing.T, offer, old, replacement string) string {
	t.Helper()
	if !strings.Contains(offer, old) {
		t.Fatalf("no %q in the offer", old)
	}
	return strings.ReplaceAll(offer, old, replacement)
}

func TestBrokenOffersAre400(t *testing.T) {
	good := offerOf(bundle("0 1"), audio(), video())
	if _, err := negotiate.Egress(good, tracks(ourH264, ourOpus)); err != nil {
		t.Fatalf("the offer that all rows break: %v", err)
	}
	for name, row := range map[string]struct{ offer, code string }{
		"empty":                  {"", "sdp_malformed"},
		"words":                  {"hello there, let me in", "sdp_malformed"},
		"json":                   {`{"type":"offer"}`, "sdp_malformed"},
		"nothing but a version":  {"v=0\r\n", "sdp_malformed"},
		"version 1":              {edit(t, good, "v=0", "v=1"), "sdp_malformed"},
		"no origin":              {edit(t, good, "o=- 1 1 IN IP4 127.0.0.1\r\n", ""), "sdp_malformed"},
		"short origin":           {edit(t, good, "o=- 1 1 IN IP4 127.0.0.1", "o=- 1"), "sdp_malformed"},
		"no time":                {edit(t, good, "t=0 0\r\n", ""), "sdp_malformed"},
		"cut off in an m= line":  {good[:strings.Index(good, "m=video 9")+len("m=video 9")], "sdp_malformed"},
		"port of 20 digits":      {edit(t, good, "m=video 9", "m=video 99999999999999999999"), "sdp_malformed"},
		"negative port":          {edit(t, good, "m=video 9", "m=video -9"), "sdp_malformed"},
		"NUL":                    {edit(t, good, "a=mid:1", "a=mid:1\x00"), "sdp_malformed"},
		"CR in a value":          {edit(t, good, "a=mid:1", "a=mid:1\ra=x"), "sdp_malformed"},
		"a megabyte line":        {good + "a=" + strings.Repeat("x", 1<<20) + "\x01", "sdp_malformed"},
		"10000 sections":         {good + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", 10000), "sdp_malformed"},
		"mid of two words":       {edit(t, good, "a=mid:1", "a=mid:1 2"), "mid_malformed"},
		"mid too long":           {edit(t, good, "a=mid:1", "a=mid:"+strings.Repeat("m", 65)), "mid_malformed"},
		"same mid twice":         {edit(t, good, "a=mid:1", "a=mid:0"), "mid_twice"},
		"a section without mid":  {edit(t, good, "a=mid:1\r\n", ""), "mid_missing"},
		"no ufrag":               {edit(t, good, "a=ice-ufrag:abcd\r\n", ""), "ice_credentials"},
		"no pwd":                 {edit(t, good, "a=ice-pwd:abcdefghijklmnopqrstuv\r\n", ""), "ice_credentials"},
		"ufrag of 3":             {edit(t, good, "ufrag:abcd", "ufrag:abc"), "ice_credentials"},
		"ufrag of 257":           {edit(t, good, "ufrag:abcd", "ufrag:"+strings.Repeat("a", 257)), "ice_credentials"},
		"pwd of 21":              {edit(t, good, "a=ice-pwd:a", "a=ice-pwd:"), "ice_credentials"},
		"pwd of 257":             {edit(t, good, "a=ice-pwd:", "a=ice-pwd:"+strings.Repeat("a", 257-22)), "ice_credentials"},
		"blank in the ufrag":     {edit(t, good, "ufrag:abcd", "ufrag:ab cd"), "ice_credentials"},
		"no fingerprint":         {edit(t, good, "a="+fingerprint+"\r\n", ""), "fingerprint_missing"},
		"sha-1":                  {edit(t, good, fingerprint, "fingerprint:sha-1 "+strings.Repeat("AA:", 19)+"AA"), "fingerprint"},
		"fingerprint too short":  {edit(t, good, "7B:8B:", "7B:"), "fingerprint"},
		"fingerprint of letters": {edit(t, good, "7B:8B", "XX:YY"), "fingerprint"},
		"fingerprint dashes":     {edit(t, good, "7B:8B", "7B-8B"), "fingerprint"},
		"fingerprint alone":      {edit(t, good, "fingerprint:sha-256 ", "fingerprint:"), "fingerprint"},
		"holdconn":               {edit(t, good, "setup:actpass", "setup:holdconn"), "setup"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refusalOf(t, row.offer, tracks(ourH264, ourOpus)); got.Status != 400 || got.Code != row.code {
				t.Errorf("got %d %s (%s), want 400 %s", got.Status, got.Code, got.Detail, row.code)
			}
		})
	}
}

func TestRefusalsNameTheLineAndNoSecret(t *testing.T) {
	offer := edit(t, offerOf(bundle("0"), video()), "a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:abcdefgh\x01ijklmnopqrstuv")
	got := refusalOf(t, offer, tracks(ourH264))
	if !strings.Contains(got.Detail, "line 6") || strings.Contains(got.Detail, "abcdefgh") {
		t.Errorf("detail %q, want line 6 named and not repeated", got.Detail)
	}
}

func TestOffersThatCannotBeServedAre422(t *testing.T) {
	application := section{kind: "application", port: "9", proto: "UDP/DTLS/SCTP", formats: "webrtc-datachannel"}
	both := tracks(ourH264, ourOpus)
	off := video()
	off.port = "0"
	for name, row := range map[string]struct {
		offer string
		specs []stream.Spec
		code  string
	}{
		"no media":                 {offerOf(transport()), both, "no_media"},
		"a data channel alone":     {offerOf(bundle("0"), application), both, "no_media"},
		"all sections at port 0":   {offerOf(bundle("0"), off), both, "no_media"},
		"a kind we do not know":    {offerOf(bundle("0"), section{kind: "text", port: "9", proto: "RTP/AVP", formats: "98"}), both, "no_media"},
		"xx-22 sendonly":           {edit(t, offerOf(bundle("0"), video()), "a=recvonly", "a=sendonly"), both, "direction"},
		"xx-22 inactive":           {edit(t, offerOf(bundle("0"), video()), "a=recvonly", "a=inactive"), both, "direction"},
		"xx-22 one of two":         {strings.Replace(offerOf(bundle("0 1"), video(), audio()), "a=recvonly", "a=sendonly", 1), both, "direction"},
		"xx-22 at session level":   {edit(t, offerOf(append(bundle("0"), "inactive"), video()), "a=recvonly\r\n", ""), both, "direction"},
		"unknown protocol":         {edit(t, offerOf(bundle("0"), video()), "UDP/TLS/RTP/SAVPF", "CARRIER/PIGEON"), both, "protocol"},
		"RTP without DTLS":         {edit(t, offerOf(bundle("0"), video()), "UDP/TLS/RTP/SAVPF", "RTP/AVP"), both, "protocol"},
		"two sections, no BUNDLE":  {offerOf(transport(), audio(), video()), both, "bundle_missing"},
		"empty BUNDLE":             {offerOf(append(transport(), "group:BUNDLE"), audio(), video()), both, "bundle_missing"},
		"another group":            {offerOf(append(transport(), "group:LS 0 1"), audio(), video()), both, "bundle_missing"},
		"no rtcp-mux":              {edit(t, offerOf(bundle("0"), video()), "a=rtcp-mux\r\n", ""), both, "rtcp_mux_missing"},
		"a stream without tracks":  {offerOf(bundle("0"), video()), nil, "no_tracks"},
		"audio from a mute stream": {offerOf(bundle("0"), audio()), tracks(ourH264), "nothing_to_send"},
		"no common video codec":    {offerOf(bundle("0"), video()), tracks(ourVP8), "no_common_codec"},
		"a picture in no codec":    {offerOf(bundle("0 1"), audio(), video()), tracks(ourVP8, ourOpus), "no_common_codec"},
		"explicit mode 0":          {edit(t, offerOf(bundle("0"), video()), "packetization-mode=1", "packetization-mode=0"), both, "no_common_codec"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refusalOf(t, row.offer, row.specs); got.Status != 422 || got.Code != row.code {
				t.Errorf("got %d %s (%s), want 422 %s", got.Status, got.Code, got.Detail, row.code)
			}
		})
	}
}

func TestNoCommonCodecSaysWhatWasOfferedAndWhatThereIs(t *testing.T) {
	got := refusalOf(t, fixtures(t)["rebuilt-firefox-128-no-h264"], tracks(ourH264, ourOpus))
	if diff := cmp.Diff([]string{"VP8", "VP9", "AV1"}, got.Offered); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"H264 42e01f packetization-mode=1"}, got.Has); diff != "" {
		t.Errorf("has (-want +got):\n%s", diff)
	}
	if got.Code != "no_common_codec" || !strings.Contains(got.Detail, "video") {
		t.Errorf("got %s: %s", got.Code, got.Detail)
	}
}

func FuzzEgress(f *testing.F) {
	for _, offer := range fixtures(f) {
		f.Add(offer)
	}
	f.Add(offerOf(bundle("0 1"), audio(), video()))
	specs := tracks(ourH264, ourVP8, ourOpus)
	f.Fuzz(func(t *testing.T, offer string) {
		plan, err := negotiate.Egress(offer, specs)
		var refusal *wish.Refusal
		switch {
		case err != nil && (plan != nil || !errors.As(err, &refusal) || refusal.Status != 400 && refusal.Status != 422):
			t.Fatalf("plan %v with error %v", plan, err)
		case err == nil:
			if answer := plan.Answer(local(plan)); pionReads(plan) {
				checkAnswer(t, plan, answer)
			} else if len(answer) > 8191 || strings.Count(answer, "\r\nm=") != len(plan.Sections) {
				t.Fatalf("an answer with other sections:\n%s", answer)
			}
			parseSDP(t, plan.Offer(plan.Ufrag, plan.Pwd, plan.Candidates))
		}
	})
}

// pionReads says whether pion's parser, which these tests read answers with, knows the kinds and protocols of a plan.
func pionReads(plan *negotiate.Plan) bool {
	for _, s := range plan.Sections {
		var d sdp.SessionDescription
		if d.UnmarshalString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm="+s.Kind+" 9 "+s.Proto+" 0\r\n") != nil {
			return false
		}
	}
	return true
}
