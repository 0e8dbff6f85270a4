package negotiate_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
	"weir/internal/wish"
	"weir/session/negotiate"
)

// published returns the publishers' offers in testdata by file name, see fixtures.
func published(tb testing.TB) map[string]string {
	tb.Helper()
	return readOffers(tb, "testdata/offers/publish/*.sdp")
}

func readOffers(tb testing.TB, pattern string) map[string]string {
	tb.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) < 5 {
		tb.Fatalf("offers found: %d, %v", len(paths), err)
	}
	offers := make(map[string]string)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		lines := strings.SplitAfter(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") })
		offers[strings.TrimSuffix(filepath.Base(path), ".sdp")] = strings.ReplaceAll(strings.Join(lines, ""), "\n", "\r\n")
	}
	return offers
}

// taken negotiates a publisher's offer and wants a plan whose answer obeys the rules.
func taken(t *testing.T, offer string) *negotiate.Plan {
	t.Helper()
	plan, err := negotiate.Ingest(offer)
	if err != nil {
		t.Fatalf("%v\n%s", err, offer)
	}
	checkTaken(t, offer, plan, plan.Answer(local(plan)))
	return plan
}

// checkTaken checks the answer to a publisher's offer.
func checkTaken(t *testing.T, offer string, plan *negotiate.Plan, answer string) {
	t.Helper()
	wrong := func(rule, format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s in\n%s", rule, fmt.Sprintf(format, args...), answer)
	}
	if !strings.HasPrefix(answer, "v=0\r\n") || len(answer) > 8191 || strings.Count(answer, "\r\n") != strings.Count(answer, "\n") {
		wrong("QRK-09, QRK-11", "no CRLF text that begins with v=0 and is shorter than 8192 bytes (%d)", len(answer))
	}
	asked, d := parseSDP(t, offer), parseSDP(t, answer)
	if len(d.MediaDescriptions) != len(asked.MediaDescriptions) {
		t.Fatalf("xx-04: %d sections for %d", len(d.MediaDescriptions), len(asked.MediaDescriptions))
	}
	group, grouped := d.Attribute("group")
	for i, m := range d.MediaDescriptions {
		s := plan.Sections[i]
		mid, _ := m.Attribute("mid")
		if m.MediaName.Media != asked.MediaDescriptions[i].MediaName.Media || mid != s.Mid {
			wrong("xx-04", "section %d is %s %q", i, m.MediaName.Media, mid)
		}
		if (m.MediaName.Port.Value == 0) == s.Accepted {
			wrong("WHIP-40", "section %d: port %d, accepted %t", i, m.MediaName.Port.Value, s.Accepted)
		}
		for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtcp-mux"} {
			if values := attributes(m, key); len(values) != 1 {
				wrong("xx-32, xx-35", "section %d has a=%s %q", i, key, values)
			}
		}
		if !s.Accepted {
			continue
		}
		if setup := attributes(m, "setup"); !slices.Contains([]string{"active", "passive"}, setup[0]) || setup[0] == plan.Setup {
			wrong("xx-34, WHIP-42", "section %d: setup %q to %q", i, setup, plan.Setup)
		}
		if len(attributes(m, "recvonly")) != 1 || len(attributes(m, "sendonly"))+len(attributes(m, "sendrecv"))+len(attributes(m, "inactive"))+len(attributes(m, "msid"))+len(attributes(m, "ssrc")) > 0 {
			wrong("WHIP-30", "section %d is not recvonly, or says what it sends", i)
		}
		if len(attributes(m, "rtcp-mux-only")) != 1 {
			wrong("xx-33", "section %d", i)
		}
		if grouped && !slices.Contains(strings.Fields(group), mid) {
			wrong("xx-31", "mid %q is not in %q", mid, group)
		}
		for _, format := range m.MediaName.Formats {
			if !slices.Contains(asked.MediaDescriptions[i].MediaName.Formats, format) {
				wrong("xx-39", "payload type %s was not offered", format)
			}
		}
	}
	if len(attributes(d.MediaDescriptions[0], "candidate")) != 2 || len(attributes(d.MediaDescriptions[0], "end-of-candidates")) != 1 {
		wrong("xx-36, xx-37, QRK-12", "the first section lacks the candidates or their end")
	}
}

// sends names the payload types of each accepted section: "audio 111 opus, video 96+97 H264 98 VP8".
func sends(plan *negotiate.Plan) string {
	var parts []string
	for _, s := range plan.Accepted() {
		part := s.Kind
		for _, p := range s.Payloads {
			part += fmt.Sprintf(" %d", p.Number)
			if p.RTX != 0 {
				part += fmt.Sprintf("+%d", p.RTX)
			}
			part += " " + p.Format.Name
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func TestPublishersOffersAreTaken(t *testing.T) {
	rows := map[string]struct {
		want, specs string
		leniencies  []string
	}{
		"gstreamer-whipsink-0.15.4":       {want: "video 96 H264", specs: "H264 42c01e packetization-mode=1"},
		"gstreamer-whipclientsink-0.15.4": {want: "video 96+103 VP8 97 H264 98 VP9 99 H265, audio 100 OPUS", specs: "VP8, H264 42c01e packetization-mode=1, VP9, H265, opus/48000/2"},
		"node-av-ffmpeg-8.1":              {want: "audio 111 opus, video 106+105 H264", specs: "opus/48000/2, H264 42001e packetization-mode=1", leniencies: []string{negotiate.LenientFeedback}},
		"node-datachannel-0.33.4":         {want: "audio 111 opus, video 96 H264", specs: "opus/48000/2, H264 42e01f packetization-mode=1"},
		"chromium-156-simulcast":          {want: "video 96+97 VP8, audio 111 opus 9 G722 0 PCMU 8 PCMA", specs: "VP8, opus/48000/2, G722/8000, PCMU/8000, PCMA/8000"},
		"rebuilt-obs-30":                  {want: "audio 111 opus, video 96 H264", specs: "opus/48000/2, H264 42e01f packetization-mode=1"},
		"rebuilt-obs-32-simulcast":        {want: "audio 111 opus, video 96 H264", specs: "opus/48000/2, H264 42e01f packetization-mode=1"},
		"rebuilt-ffmpeg-8.0":              {want: "video 106 H264", specs: "H264 422001f packetization-mode=1", leniencies: []string{negotiate.LenientBundle, negotiate.LenientFeedback}},
	}
	offers := published(t)
	for name := range rows {
		if offers[name] == "" {
			t.Errorf("no offer %s", name)
		}
	}
	for name, offer := range offers {
		t.Run(name, func(t *testing.T) {
			plan := taken(t, offer)
			row, ok := rows[name]
			if !ok {
				t.Logf("takes %s", sends(plan))
				return
			}
			var specs []string
			for _, spec := range plan.Specs() {
				specs = append(specs, spec.Format.String())
			}
			if got := sends(plan); got != row.want || strings.Join(specs, ", ") != row.specs {
				t.Errorf("takes %s as %s; want %s as %s", got, strings.Join(specs, ", "), row.want, row.specs)
			}
			for _, leniency := range row.leniencies {
				if leniency != negotiate.LenientBundle && !slices.Contains(plan.Leniencies, leniency) {
					t.Errorf("leniencies %v lack %s", plan.Leniencies, leniency)
				}
			}
		})
	}
}

// OBS counts the layers in the answer by the semicolons of a=simulcast, and stops unless all are there.
func TestSimulcastIsTakenWhole(t *testing.T) {
	plan := taken(t, published(t)["rebuilt-obs-32-simulcast"])
	m := parseSDP(t, plan.Answer(local(plan))).MediaDescriptions[1]
	if diff := cmp.Diff([]string{"recv 0;1;2"}, attributes(m, "simulcast")); diff != "" {
		t.Errorf("WHIP-44 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"0 recv", "1 recv", "2 recv"}, attributes(m, "rid")); diff != "" {
		t.Errorf("WHIP-44 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1 urn:ietf:params:rtp-hdrext:sdes:mid", "2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"}, attributes(m, "extmap")); diff != "" {
		t.Errorf("extmap (-want +got):\n%s", diff)
	}
	for name, row := range map[string]struct {
		lines []string
		want  []string
	}{
		"alternatives and a paused one": {[]string{"rid:h send", "rid:m send", "rid:x send", "rid:l send", "simulcast:send h,x;~m;l"}, []string{"h", "m", "l"}},
		"before the RFC":                {[]string{"rid:h send", "rid:l send", "simulcast: send rid=h;l"}, []string{"h", "l"}},
		"both directions":               {[]string{"rid:h send", "rid:l send", "rid:r recv", "simulcast:recv r send h;l"}, []string{"h", "l"}},
		"a layer that is not declared":  {[]string{"rid:h send", "simulcast:send h;l"}, []string{"h"}},
		"rids without simulcast":        {[]string{"rid:h send"}, nil},
		"junk":                          {[]string{"rid:h/ send", "rid", "simulcast", "simulcast:send h/;;,"}, nil},
	} {
		plan := taken(t, offerOf(bundle("0"), sending(video(row.lines...))))
		if diff := cmp.Diff(row.want, plan.Sections[0].RIDs); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// sending turns the direction of a section around.
func sending(s section) section {
	for i, line := range s.lines {
		if line == "recvonly" {
			s.lines[i] = "sendonly"
		}
	}
	return s
}

func TestWhatPublishersDoIsTaken(t *testing.T) {
	good := offerOf(bundle("0 1"), sending(audio()), sending(video()))
	many := section{kind: "video", port: "9", proto: "UDP/TLS/RTP/SAVPF", formats: "96 97 98 99 100 101 102 103 104", lines: []string{
		"sendonly", "rtcp-mux", "rtpmap:96 VP8/90000", "rtpmap:97 h264/90000", "rtpmap:98 H264/90000", "fmtp:98 packetization-mode=0;profile-level-id=640c1f",
		"rtpmap:99 VP9/90000", "fmtp:99 profile-id=0", "rtpmap:100 VP9/90000", "fmtp:100 profile-id=2", "rtpmap:101 AV1/90000", "rtpmap:102 H265/90000",
		"rtpmap:103 ulpfec/90000", "rtpmap:104 H264/48000",
	}}
	sounds := section{kind: "audio", port: "9", proto: "UDP/TLS/RTP/SAVPF", formats: "0 8 9 100 101 102", lines: []string{
		"sendonly", "rtcp-mux", "rtpmap:100 OPUS/48000", "rtpmap:101 multiopus/48000/6", "rtpmap:102 PCMU/8000/2",
	}}
	for name, row := range map[string]struct{ offer, want string }{
		"both":                               {good, "audio 111 opus, video 96+97 H264"},
		"QRK-01 no candidates":               {good, "audio 111 opus, video 96+97 H264"},
		"QRK-02 setup passive":               {edit(t, good, "setup:actpass", "setup:passive"), "audio 111 opus, video 96+97 H264"},
		"WHIP-42 setup active":               {edit(t, good, "setup:actpass", "setup:active"), "audio 111 opus, video 96+97 H264"},
		"no setup":                           {edit(t, good, "a=setup:actpass\r\n", ""), "audio 111 opus, video 96+97 H264"},
		"sendrecv":                           {edit(t, good, "a=sendonly", "a=sendrecv"), "audio 111 opus, video 96+97 H264"},
		"BUNDLE names a mid that is nowhere": {offerOf(bundle("0 1"), sending(video())), "video 96+97 H264"},
		"video without BUNDLE":               {offerOf(transport(), sending(video())), "video 96+97 H264"},
		"audio without BUNDLE and mid":       {edit(t, offerOf(transport(), sending(audio())), "a=mid:0\r\n", ""), "audio 111 opus"},
		"no rtcp-fb":                         {edit(t, edit(t, good, "a=rtcp-fb:96 nack pli\r\n", ""), "a=rtcp-fb:96 nack\r\n", ""), "audio 111 opus, video 96 H264"},
		"every codec, in any case":           {offerOf(bundle("0"), many), "video 96 VP8 97 h264 98 H264 99 VP9 101 AV1 102 H265"},
		"every sound":                        {offerOf(bundle("0"), sounds), "audio 0 PCMU 8 PCMA 9 G722 100 OPUS"},
		"bundle-only at port 0":              {edit(t, offerOf(bundle("0 1"), sending(audio()), sending(video("bundle-only"))), "m=video 9", "m=video 0"), "audio 111 opus, video 96+97 H264"},
		"a section that the offer refuses":   {edit(t, good, "m=audio 9", "m=audio 0"), "video 96+97 H264"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a section that the offer refuses" {
				plan, err := negotiate.Ingest(row.offer)
				if err != nil || sends(plan) != row.want {
					t.Errorf("takes %v, %v", plan, err)
				}
				return
			}
			if got := sends(taken(t, row.offer)); got != row.want {
				t.Errorf("takes %s, want %s", got, row.want)
			}
		})
	}
}

func TestPublishersOffersThatCannotBeTaken(t *testing.T) {
	good := offerOf(bundle("0 1"), sending(audio()), sending(video()))
	data := section{kind: "application", port: "9", proto: "UDP/DTLS/SCTP", formats: "webrtc-datachannel", lines: []string{"sctp-port:5000"}}
	for name, row := range map[string]struct {
		offer, code string
		status      int
	}{
		"no media":                {offerOf(transport()), "no_media", 422},
		"xx-22 recvonly":          {edit(t, good, "a=sendonly", "a=recvonly"), "direction", 422},
		"xx-22 inactive":          {edit(t, good, "a=sendonly", "a=inactive"), "direction", 422},
		"WHIP-41 two videos":      {offerOf(bundle("0 1"), sending(video()), sending(video())), "too_many_tracks", 422},
		"WHIP-40 a data channel":  {offerOf(bundle("0 1"), sending(video()), data), "section_not_served", 422},
		"WHIP-40 unknown sound":   {edit(t, good, "opus/48000/2", "dopus/48000/2"), "no_common_codec", 422},
		"WHIP-40 unknown picture": {edit(t, good, "H264/90000", "H261/90000"), "no_common_codec", 422},
		"WHIP-40 out of BUNDLE":   {edit(t, good, "BUNDLE 0 1", "BUNDLE 0"), "bundle_missing", 422},
		"two without BUNDLE":      {edit(t, good, "a=group:BUNDLE 0 1\r\n", ""), "bundle_missing", 422},
		"another protocol":        {edit(t, good, "UDP/TLS/RTP/SAVPF", "RTP/AVP"), "protocol", 422},
		"no rtcp-mux":             {edit(t, good, "a=rtcp-mux\r\n", ""), "rtcp_mux_missing", 422},
		"words":                   {"hello", "sdp_malformed", 400},
		"no ufrag":                {edit(t, good, "a=ice-ufrag:abcd\r\n", ""), "ice_credentials", 400},
		"no fingerprint":          {edit(t, good, "a="+fingerprint+"\r\n", ""), "fingerprint_missing", 400},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := negotiate.Ingest(row.offer)
			refusal, ok := errors.AsType[*wish.Refusal](err)
			if !ok || plan != nil {
				t.Fatalf("got plan %v and error %v, want a refusal alone", plan, err)
			}
			if refusal.Status != row.status || refusal.Code != row.code || refusal.Detail == "" || refusal.Remedy == "" {
				t.Errorf("got %d %s (%s), want %d %s", refusal.Status, refusal.Code, refusal.Detail, row.status, row.code)
			}
			if row.code == "no_common_codec" && (len(refusal.Offered) == 0 || len(refusal.Has) == 0) {
				t.Errorf("the lists are missing: %+v", refusal)
			}
		})
	}
}

func TestWhatIsAnsweredToPublishers(t *testing.T) {
	stereo := taken(t, published(t)["rebuilt-obs-30"])
	if got := codec.Params(stereo.Sections[0].Format.Fmtp); got["stereo"] != "1" || got["sprop-stereo"] != "1" {
		t.Errorf("stereo is lost: %v", got)
	}
	// Transport-wide numbers need both the feedback and the header extension; else REMB stands in.
	for name, row := range map[string]struct {
		lines, feedback []string
		extensions      map[uint8]string
	}{
		"transport-cc":        {[]string{"rtcp-fb:96 transport-cc", "rtcp-fb:96 goog-remb", "extmap:3 " + wide}, []string{"nack", "nack pli", "transport-cc"}, map[uint8]string{3: wide}},
		"without the numbers": {[]string{"rtcp-fb:96 transport-cc", "rtcp-fb:96 goog-remb"}, []string{"nack", "nack pli", "goog-remb"}, nil},
		"for all payloads":    {[]string{"rtcp-fb:* ccm fir"}, []string{"nack", "nack pli", "ccm fir"}, nil},
		"what passes":         {[]string{"extmap:4/sendonly urn:3gpp:video-orientation", "extmap:5 urn:x-unknown", "extmap:15 " + wide, "extmap:0 " + wide}, []string{"nack", "nack pli"}, map[uint8]string{4: "urn:3gpp:video-orientation"}},
		"two of one number":   {[]string{"extmap:4 urn:3gpp:video-orientation", "extmap:4 " + wide}, []string{"nack", "nack pli"}, map[uint8]string{4: "urn:3gpp:video-orientation"}},
	} {
		section := taken(t, offerOf(bundle("0"), sending(video(row.lines...)))).Sections[0]
		if diff := cmp.Diff(row.feedback, section.Feedback); diff != "" {
			t.Errorf("%s: feedback (-want +got):\n%s", name, diff)
		}
		if !maps.Equal(row.extensions, section.Extensions) {
			t.Errorf("%s: extensions %v, want %v", name, section.Extensions, row.extensions)
		}
	}
	sources := taken(t, offerOf(bundle("0"), sending(video("ssrc:1 cname:a", "ssrc:2 cname:a", "ssrc:3 cname:a", "ssrc-group:FID 1 2", "ssrc-group:FEC-FR 1 3", "ssrc:x cname:a")))).Sections[0].Sources
	if diff := cmp.Diff([]negotiate.Source{{SSRC: 1, RTX: 2}}, sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

const wide = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

func FuzzIngest(f *testing.F) {
	for _, offer := range published(f) {
		f.Add(offer)
	}
	f.Fuzz(func(t *testing.T, offer string) {
		plan, err := negotiate.Ingest(offer)
		if err != nil {
			if _, ok := errors.AsType[*wish.Refusal](err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if answer := plan.Answer(local(plan)); len(answer) > 8191 || strings.ContainsRune(strings.ReplaceAll(answer, "\r\n", ""), '\n') {
			t.Errorf("an answer of %d bytes:\n%q", len(answer), answer)
		}
		if len(plan.Specs()) == 0 {
			t.Error("a plan without a track")
		}
	})
}

// A publisher's real profile decides which payload type a player gets, and one that offers only lesser ones is played to
// all the same.
func TestRealProfileDecidesThePayloadType(t *testing.T) {
	high := codec.Format{Name: "H264", ClockRate: 90000, Fmtp: "profile-level-id=640028;packetization-mode=1"}
	both := section{kind: "video", port: "9", proto: "UDP/TLS/RTP/SAVPF", formats: "96 98 100", lines: []string{
		"recvonly", "rtcp-mux", "rtpmap:96 H264/90000", "fmtp:96 packetization-mode=1;profile-level-id=42e01f",
		"rtpmap:98 H264/90000", "fmtp:98 packetization-mode=1;profile-level-id=640c1f", "rtpmap:100 H264/90000", "fmtp:100 packetization-mode=1;profile-level-id=64001f",
	}}
	plan := planOf(t, offerOf(bundle("0"), both), tracks(high))
	if got := served(plan); got != "0:video 100" || len(plan.Leniencies) > 0 {
		t.Errorf("%s, leniencies %v", got, plan.Leniencies)
	}
	var held []uint8
	for _, p := range plan.Sections[0].Payloads {
		held = append(held, p.Number)
	}
	if !slices.Equal(held, []uint8{100, 96, 98}) {
		t.Errorf("the answer holds %v", held)
	}
	plan = planOf(t, offerOf(bundle("0"), video()), tracks(high))
	if got := served(plan); got != "0:video 96+97" || !slices.Contains(plan.Leniencies, negotiate.LenientDecoder) {
		t.Errorf("%s, leniencies %v", got, plan.Leniencies)
	}
	// What fits by the rules comes first, also where it is another codec.
	withVP8 := video("rtpmap:99 VP8/90000")
	withVP8.formats += " 99"
	plan = planOf(t, offerOf(bundle("0"), withVP8), append(tracks(high), tracks(ourVP8)...))
	if got := served(plan); got != "0:video 99" {
		t.Errorf("%s", got)
	}
}
