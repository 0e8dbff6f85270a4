package negotiate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
	"weir/session/negotiate"
	"weir/stream"
)

// planOf negotiates and wants a plan whose answer obeys the rules.
func planOf(t *testing.T, offer string, specs []stream.Spec) *negotiate.Plan {
	t.Helper()
	plan, err := negotiate.Egress(offer, specs)
	if err != nil {
		t.Fatalf("%v\n%s", err, offer)
	}
	checkAnswer(t, plan, plan.Answer(local(plan)))
	return plan
}

// served names the accepted sections: "0:audio 111, 1:video 96+97".
func served(plan *negotiate.Plan) string {
	var parts []string
	for i, s := range plan.Sections {
		if !s.Accepted {
			continue
		}
		part := fmt.Sprintf("%d:%s %d", i, s.Kind, s.PayloadType)
		if s.RTXPayloadType != 0 {
			part += fmt.Sprintf("+%d", s.RTXPayloadType)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func TestStreamsOrderOfCodecsDecides(t *testing.T) {
	offer := fixtures(t)["chromium-156"] // VP8 first
	for want, specs := range map[string][]stream.Spec{
		"0:video 108+109, 1:audio 111": tracks(ourH264, ourVP8, ourOpus),
		"0:video 96+97, 1:audio 111":   tracks(ourOpus, ourVP8, ourH264),
		"0:video 96+97, 1:audio 0":     tracks(ourVP8, codec.Format{Name: "PCMU", ClockRate: 8000}, ourOpus),
	} {
		plan := planOf(t, offer, specs)
		if got := served(plan); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, s := range plan.Accepted() {
			if got := specs[s.Track].Format.Kind().String(); got != s.Kind {
				t.Errorf("%s section gets track %d, which is %s", s.Kind, s.Track, got)
			}
		}
	}
}

func TestHalfAnOfferIsServed(t *testing.T) {
	data := section{kind: "application", port: "9", proto: "UDP/DTLS/SCTP", formats: "webrtc-datachannel", lines: []string{"sctp-port:5000"}}
	off := audio()
	off.port = "0"
	outside := edit(t, offerOf(bundle("0 1"), video(), audio()), "group:BUNDLE 0 1", "group:BUNDLE 0")
	both := tracks(ourH264, ourOpus)
	for name, row := range map[string]struct {
		offer string
		specs []stream.Spec
		want  string // served
		state string // of each section: + accepted, - refused, i inactive
	}{
		"video from a stream with both":      {offerOf(bundle("0"), video()), both, "0:video 96+97", "+"},
		"audio from a stream with both":      {offerOf(bundle("0"), audio()), both, "0:audio 111", "+"},
		"the stream is mute":                 {offerOf(bundle("0 1"), video(), audio()), tracks(ourH264), "0:video 96+97", "+-"},
		"the stream is mute, audio first":    {offerOf(bundle("0 1"), audio(), video()), tracks(ourH264), "1:video 96+97", "i+"},
		"the same, group in another order":   {offerOf(bundle("1 0"), audio(), video()), tracks(ourH264), "1:video 96+97", "-+"},
		"a data channel":                     {offerOf(bundle("0 1 2"), video(), audio(), data), both, "0:video 96+97, 1:audio 111", "++-"},
		"a data channel first":               {offerOf(bundle("0 1"), data, video()), both, "1:video 96+97", "-+"},
		"two videos":                         {offerOf(bundle("0 1 2"), video(), video(), audio()), both, "0:video 96+97, 2:audio 111", "+-+"},
		"a section that was refused already": {offerOf(bundle("1"), off, video()), both, "1:video 96+97", "-+"},
		"one outside of the group":           {outside, both, "0:video 96+97", "+-"},
		"one section, no group":              {offerOf(transport(), video()), both, "0:video 96+97", "+"},
		"one section, no mid":                {edit(t, offerOf(transport(), video()), "a=mid:0\r\n", ""), both, "0:video 96+97", "+"},
		"a group with a mid that is nowhere": {offerOf(bundle("0 1"), video("mid:1")), both, "0:video 96+97", "+"},
		"sendrecv":                           {edit(t, offerOf(bundle("0"), video()), "a=recvonly", "a=sendrecv"), both, "0:video 96+97", "+"},
		"no direction":                       {edit(t, offerOf(bundle("0"), video()), "a=recvonly\r\n", ""), both, "0:video 96+97", "+"},
		"an older name of the protocol":      {edit(t, offerOf(bundle("0"), video()), "UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), both, "0:video 96+97", "+"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := planOf(t, row.offer, row.specs)
			state := ""
			for _, s := range plan.Sections {
				switch {
				case s.Accepted:
					state += "+"
				case s.Inactive:
					state += "i"
				default:
					state += "-"
				}
			}
			if got := served(plan); got != row.want || state != row.state {
				t.Errorf("got %s (%s), want %s (%s)", got, state, row.want, row.state)
			}
			checkPion(t, plan)
		})
	}
}

func TestCandidatesAreCollected(t *testing.T) {
	host := "candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host"
	mdns := "candidate:2 1 udp 2130706431 8a1c2f6e-3f0e-4b8e-9a55-0f7c2f3f3d10.local 5000 typ host"
	second := "candidate:3 1 udp 2130706431 192.0.2.10 5000 typ host"
	junk := []string{"candidate:", "candidate:9 1 udp 1 host.example 5000 typ host", "candidate:9 1 carrier 1 192.0.2.9 5000 typ host", "candidate:9 1 udp x"}
	plan := planOf(t, offerOf(bundle("0 1"),
		audio(append(junk, host, mdns, host)...), video(host, second, "end-of-candidates")), tracks(ourH264, ourOpus))
	if diff := cmp.Diff([]string{host, mdns, second}, plan.Candidates); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
	if plan.EndOfCandidates {
		t.Error("the end of another section's candidates counts")
	}
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf("candidate:%d 1 udp 1 192.0.2.9 %d typ host", i, i+1))
	}
	if got := len(planOf(t, offerOf(bundle("0"), video(many...)), tracks(ourH264)).Candidates); got != 100 {
		t.Errorf("%d candidates of 2000 taken, want 100", got)
	}
	other := video("ice-ufrag:other", "ice-pwd:othertransportothertransport", second)
	if got := planOf(t, offerOf(bundle("0 1"), audio(host), other), tracks(ourH264, ourOpus)).Candidates; !slices.Equal(got, []string{host}) {
		t.Errorf("candidates %q, want those of the bundled transport alone", got)
	}
}

func TestTransportIsThatOfTheTaggedSection(t *testing.T) {
	sessionLevel := []string{"group:BUNDLE 1 0", "ice-lite", "end-of-candidates"}
	strong := "fingerprint:SHA-384 " + strings.Repeat("ab:", 47) + "ab"
	first := audio("ice-ufrag:first", "ice-pwd:firstfirstfirstfirstfirst", fingerprint, "setup:passive")
	tagged := video("ice-ufrag:tagged", "ice-pwd:taggedtaggedtaggedtagged", "ice-options:trickle renomination",
		"fingerprint:md5 AA:BB", strong, "setup:active")
	plan := planOf(t, offerOf(sessionLevel, first, tagged), tracks(ourH264, ourOpus))
	got := []any{plan.Ufrag, plan.Pwd, plan.FingerprintAlgorithm, plan.Fingerprint, plan.Setup, plan.ICEOptions, plan.Lite, plan.EndOfCandidates}
	want := []any{"tagged", "taggedtaggedtaggedtagged", "sha-384", strings.Repeat("AB:", 47) + "AB", "active", "trickle renomination", true, true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answer := plan.Answer(local(plan))
	if !strings.Contains(answer, "a=group:BUNDLE 1 0\r\n") {
		t.Errorf("the group's order is not the offer's:\n%s", answer)
	}
	for i, m := range parseSDP(t, answer).MediaDescriptions { // the first that is read, and the one that has the transport
		if got := attributes(m, "candidate"); len(got) != 2 {
			t.Errorf("section %d has candidates %q", i, got)
		}
	}
	checkPion(t, plan)
}

func TestSetupIsTheOtherRole(t *testing.T) {
	for _, row := range []struct{ offered, ours, want string }{
		{"actpass", "passive", "passive"},
		{"actpass", "active", "active"},
		{"active", "active", "passive"},
		{"passive", "passive", "active"},
	} {
		plan := planOf(t, edit(t, offerOf(bundle("0"), video()), "actpass", row.offered), tracks(ourH264))
		l := local(plan)
		l.Setup = row.ours
		if answer := plan.Answer(l); !strings.Contains(answer, "a=setup:"+row.want+"\r\n") {
			t.Errorf("%s to %s with %s wished:\n%s", row.want, row.offered, row.ours, answer)
		}
	}
	plan := planOf(t, edit(t, offerOf(bundle("0"), video()), "a=setup:actpass\r\n", ""), tracks(ourH264))
	if plan.Setup != "actpass" || !slices.Contains(plan.Leniencies, negotiate.LenientSetup) {
		t.Errorf("without a=setup: %q, %q", plan.Setup, plan.Leniencies)
	}
}

func TestRetransmissionAndFeedbackAreWhatBothHave(t *testing.T) {
	all := video("rtcp-fb:96 ccm fir", "rtcp-fb:96 goog-remb", "rtcp-fb:96 transport-cc")
	noNACK := edit(t, offerOf(bundle("0"), video()), "a=rtcp-fb:96 nack\r\n", "")
	otherAPT := edit(t, offerOf(bundle("0"), video()), "apt=96", "apt=98")
	for name, row := range map[string]struct {
		offer string
		want  string
		kind  []string
	}{
		"all":                {offerOf(bundle("0"), all), "0:video 96+97", []string{"nack", "nack pli", "ccm fir"}},
		"rtx needs nack":     {noNACK, "0:video 96", []string{"nack pli"}},
		"rtx of another":     {otherAPT, "0:video 96", []string{"nack", "nack pli"}},
		"wildcard":           {edit(t, offerOf(bundle("0"), video()), "rtcp-fb:96", "rtcp-fb:*"), "0:video 96+97", []string{"nack", "nack pli"}},
		"audio":              {offerOf(bundle("0"), audio("rtcp-fb:111 nack", "rtcp-fb:111 transport-cc")), "0:audio 111", []string{"nack"}},
		"audio without nack": {offerOf(bundle("0"), audio()), "0:audio 111", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := planOf(t, row.offer, tracks(ourH264, ourOpus))
			if got := served(plan); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if got := plan.Accepted()[0].Feedback; !slices.Equal(got, row.kind) {
				t.Errorf("feedback %q, want %q", got, row.kind)
			}
			checkPion(t, plan)
		})
	}
}

func TestPayloadTypesThatLookLikeRTCPAreNotUsed(t *testing.T) {
	offer := edit(t, offerOf(bundle("0"), video()), "96", "72")
	if got := refusalOf(t, offer, tracks(ourH264)); got.Code != "no_common_codec" {
		t.Errorf("got %s", got.Code)
	}
}

func TestStereoIsStatedAsSentAndAsAsked(t *testing.T) {
	mono := ourOpus
	mono.Fmtp = "minptime=10;useinbandfec=1"
	for _, row := range []struct {
		offered string
		sent    codec.Format
		want    string
	}{
		{"minptime=10;useinbandfec=1", ourOpus, "minptime=10;sprop-stereo=1;useinbandfec=1"},
		{"stereo=1;sprop-stereo=1", ourOpus, "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1"},
		{"stereo=1", mono, "minptime=10;useinbandfec=1"},
	} {
		plan := planOf(t, offerOf(bundle("0"), audio("fmtp:111 "+row.offered)), tracks(row.sent))
		if got := plan.Accepted()[0].Format.Fmtp; got != row.want {
			t.Errorf("offered %s: %s, want %s", row.offered, got, row.want)
		}
	}
}

func TestEveryCodecReachesPion(t *testing.T) {
	for _, row := range []struct {
		format          codec.Format
		lines, offerPTs string
		want            string
	}{
		{codec.Format{Name: "VP9", ClockRate: 90000, Fmtp: "profile-id=0"}, "rtpmap:96 VP9/90000", "96", ""},
		{codec.Format{Name: "VP9", ClockRate: 90000, Fmtp: "profile-id=2"}, "rtpmap:96 VP9/90000,fmtp:96 profile-id=2", "96", "profile-id=2"},
		{codec.Format{Name: "AV1", ClockRate: 90000}, "rtpmap:96 AV1/90000,fmtp:96 level-idx=5;profile=0;tier=0", "96", "profile=0;level-idx=5;tier=0"},
		{codec.Format{Name: "H265", ClockRate: 90000, Fmtp: "profile-id=1"}, "rtpmap:96 H265/90000,fmtp:96 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST", "96", "profile-id=1;tier-flag=0;level-id=93;tx-mode=SRST"},
		{codec.Format{Name: "VP8", ClockRate: 90000}, "rtpmap:96 vp8/90000,fmtp:96 max-fs=12288", "96", ""},
		{codec.Format{Name: "PCMU", ClockRate: 8000}, "", "0", ""},
		{codec.Format{Name: "G722", ClockRate: 8000}, "rtpmap:9 G722/8000/1", "9", ""},
		{codec.Format{Name: "opus", ClockRate: 48000, Channels: 2}, "rtpmap:96 OPUS/48000", "96", ""},
	} {
		s := section{
			kind: row.format.Kind().String(), port: "9", proto: "UDP/TLS/RTP/SAVPF", formats: row.offerPTs,
			lines: append([]string{"recvonly", "rtcp-mux"}, strings.Split(row.lines, ",")...),
		}
		t.Run(row.format.String(), func(t *testing.T) {
			plan := planOf(t, offerOf(bundle("0"), s), tracks(row.format))
			if got := plan.Accepted()[0].Format.Fmtp; got != row.want {
				t.Errorf("fmtp %q, want %q", got, row.want)
			}
			checkPion(t, plan)
		})
	}
}

func TestAnswerStaysShortAndClean(t *testing.T) {
	var sections []section
	var mids []string
	for i := range 14 {
		mid := strings.Repeat("m", 60) + fmt.Sprint(i)
		mids = append(mids, mid)
		sections = append(sections, video("mid:"+mid))
	}
	plan := planOf(t, offerOf(bundle(strings.Join(mids, " ")), sections...), tracks(ourH264))
	l := local(plan)
	l.Streams[0].Title = "a title:\r\na=evil ünd lang " + strings.Repeat("x", 1000)
	for i := range 200 {
		l.Candidates = append(l.Candidates, fmt.Sprintf("candidate:%d 1 udp 1 192.0.2.1 %d typ host", i, i+1))
	}
	answer := plan.Answer(l)
	checkAnswer(t, plan, answer)
	if !strings.Contains(answer, "\r\ni=a title:a=evil ?nd lang xxx") {
		t.Errorf("the title is not one clean line:\n%s", answer)
	}
	if !strings.Contains(answer, "a="+l.Candidates[0]+"\r\n") {
		t.Error("the best candidate was left out")
	}
}

// Of payload types that differ in their profile the one that is sent is answered, and none where the codec has no such one.
func TestProfilesGoToTheirPayloadTypes(t *testing.T) {
	h264 := func(id string) codec.Format {
		return codec.Format{Name: "H264", ClockRate: 90000, Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + id}
	}
	vp9 := codec.Format{Name: "VP9", ClockRate: 90000, Fmtp: "profile-id=2"}
	s := section{
		kind: "video", port: "9", proto: "UDP/TLS/RTP/SAVPF", formats: "96 97 98 99 100",
		lines: []string{
			"recvonly", "rtcp-mux", "rtpmap:96 VP9/90000", "fmtp:96 profile-id=0", "rtpmap:97 VP9/90000", "fmtp:97 profile-id=2",
			"rtpmap:98 H264/90000", "fmtp:98 " + h264("42e01f").Fmtp, "rtpmap:99 H264/90000", "fmtp:99 " + h264("f4001f").Fmtp,
			"rtpmap:100 H264/90000", "fmtp:100 " + h264("64001f").Fmtp,
		},
	}
	for _, row := range []struct {
		sent codec.Format
		want uint8
	}{{h264("42c00b"), 98}, {h264("f4000a"), 99}, {h264("640028"), 100}, {vp9, 97}} {
		plan := planOf(t, offerOf(bundle("0"), s), tracks(row.sent))
		if got := plan.Accepted()[0].PayloadType; got != row.want || len(plan.Leniencies) > 0 {
			t.Errorf("%v: payload type %d with %v, want %d", row.sent, got, plan.Leniencies, row.want)
		}
		checkPion(t, plan)
	}
	s.formats = "96"
	if got := refusalOf(t, offerOf(bundle("0"), s), tracks(vp9)); got.Code != "no_common_codec" {
		t.Errorf("VP9 of 10 bits to a player without it: %s", got.Code)
	}
}
