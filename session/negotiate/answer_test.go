package negotiate_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"weir/session/negotiate"
)

// local is this end of a session in tests.
func local(plan *negotiate.Plan) negotiate.Local {
	l := negotiate.Local{
		SessionID: 7, Ufrag: "weirufrag", Pwd: "weirpwdweirpwdweirpwdweir", Setup: "passive", StreamID: "weir",
		Fingerprint: "sha-256 " + strings.TrimPrefix(fingerprint, "fingerprint:sha-256 "),
		Candidates: []string{
			"candidate:1 1 udp 2130706431 192.0.2.1 8080 typ host",
			"candidate:2 1 udp 2130706175 2001:db8::1 8080 typ host",
		},
	}
	for i, s := range plan.Accepted() {
		stream := negotiate.LocalStream{SSRC: uint32(1000 + i), CNAME: "cname", TrackID: s.Kind}
		if s.RTXPayloadType != 0 {
			stream.RTXSSRC = uint32(2000 + i)
		}
		l.Streams = append(l.Streams, stream)
	}
	return l
}

// parseSDP parses with pion's parser: not the one that is tested.
func parseSDP(t *testing.T, text string) *sdp.SessionDescription {
	t.Helper()
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return &d
}

// attributes returns the values of a section's attributes of that name.
func attributes(m *sdp.MediaDescription, key string) []string {
	var values []string
	for _, a := range m.Attributes {
		if a.Key == key {
			values = append(values, a.Value)
		}
	}
	return values
}

// checkAnswer holds an answer against the rules that every one of ours obeys; the ids are those of the rules in the WHEP
// and WHIP texts' list.
func checkAnswer(t *testing.T, plan *negotiate.Plan, answer string) {
	t.Helper()
	wrong := func(rule, format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s in\n%s", rule, fmt.Sprintf(format, args...), answer)
	}
	if !strings.HasPrefix(answer, "v=0\r\n") || len(answer) > 8191 || strings.Count(answer, "\r\n") != strings.Count(answer, "\n") ||
		strings.Count(answer, "\r") != strings.Count(answer, "\n") {
		wrong("QRK-09, QRK-11", "no CRLF text that begins with v=0 and is shorter than 8192 bytes (%d)", len(answer))
	}
	d := parseSDP(t, answer)
	if len(d.MediaDescriptions) != len(plan.Sections) {
		t.Fatalf("xx-04: %d sections for %d", len(d.MediaDescriptions), len(plan.Sections))
	}
	group, grouped := d.Attribute("group")
	open, flowing, streams := 0, 0, map[string]bool{}
	kinds := map[string]bool{}
	for i, m := range d.MediaDescriptions {
		s := plan.Sections[i]
		mid, _ := m.Attribute("mid")
		if m.MediaName.Media != s.Kind || mid != s.Mid || strings.Join(m.MediaName.Protos, "/") != s.Proto {
			wrong("xx-04", "section %d is %s %q, offered %s %q", i, m.MediaName.Media, mid, s.Kind, s.Mid)
		}
		for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint", "setup"} {
			if values := attributes(m, key); len(values) != 1 || values[0] == "" {
				wrong("xx-35, aiortc", "section %d has a=%s %q", i, key, values)
			}
		}
		if setup := attributes(m, "setup"); !slices.Contains([]string{"active", "passive"}, setup[0]) || setup[0] == plan.Setup {
			wrong("xx-34", "section %d: setup %q to %q", i, setup, plan.Setup)
		}
		rtcpMux := len(attributes(m, "rtcp-mux")) == 1
		if m.MediaName.Port.Value == 0 {
			if s.Accepted || s.Reason == "" || !rtcpMux && (s.Kind == "audio" || s.Kind == "video") ||
				slices.Contains(strings.Fields(group)[min(1, len(strings.Fields(group))):], mid) {
				wrong("refused", "section %d, reason %q", i, s.Reason)
			}
			continue
		}
		if open++; open == 1 && (len(attributes(m, "candidate")) == 0 || len(attributes(m, "end-of-candidates")) != 1) {
			wrong("xx-36, xx-37, QRK-12", "section %d lacks the candidates or their end", i)
		}
		if grouped && !slices.Contains(strings.Fields(group), mid) {
			wrong("xx-31", "mid %q is not in %q", mid, group)
		}
		if s.Inactive {
			if s.Accepted || len(attributes(m, "inactive")) != 1 || len(attributes(m, "msid")) > 0 || !strings.HasPrefix(group, "BUNDLE "+mid) {
				wrong("inactive", "section %d", i)
			}
			continue
		}
		flowing++
		checkFlowing(t, wrong, s, m)
		for _, msid := range attributes(m, "msid") {
			stream, _, _ := strings.Cut(msid, " ")
			streams[stream] = true
		}
		if kinds[s.Kind] {
			wrong("WHEP-38", "two tracks of kind %s", s.Kind)
		}
		kinds[s.Kind] = true
	}
	if flowing == 0 || len(streams) != 1 {
		wrong("WHEP-38", "%d sections flow in %d streams", flowing, len(streams))
	}
}

// checkFlowing checks one accepted section.
func checkFlowing(t *testing.T, wrong func(rule, format string, args ...any), s negotiate.Section, m *sdp.MediaDescription) {
	t.Helper()
	if !s.Accepted || s.Port == 0 && !s.BundleOnly {
		wrong("xx-104", "section %q flows", s.Mid)
	}
	if len(attributes(m, "sendonly")) != 1 || len(attributes(m, "sendrecv"))+len(attributes(m, "recvonly"))+len(attributes(m, "inactive")) > 0 {
		wrong("WHEP-30", "section %q is not sendonly", s.Mid)
	}
	if len(attributes(m, "rtcp-mux")) != 1 || len(attributes(m, "rtcp-mux-only")) != 1 {
		wrong("xx-32, xx-33", "section %q", s.Mid)
	}
	if len(attributes(m, "msid")) != 1 {
		wrong("WHEP-38", "section %q has msid %q", s.Mid, attributes(m, "msid"))
	}
	for _, format := range m.MediaName.Formats {
		if !slices.Contains(s.Formats, format) {
			wrong("xx-39", "section %q: %s was not offered in %q", s.Mid, format, s.Formats)
		}
	}
	for _, group := range attributes(m, "ssrc-group") {
		for _, ssrc := range strings.Fields(group)[1:] {
			if !slices.ContainsFunc(attributes(m, "ssrc"), func(line string) bool { return strings.HasPrefix(line, ssrc+" cname:") }) {
				wrong("ssrc-group", "section %q: %s has no line of its own", s.Mid, ssrc)
			}
		}
	}
}

func TestEveryKnownOfferIsAnswered(t *testing.T) {
	type want struct {
		audio, video string // payload types "111", "106+107"; "" where no section is offered
		format       string // the video's
		audioFmtp    string
		leniencies   []string
	}
	wants := map[string]want{
		"chromium-156":                          {"111", "108+109", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
		"chromium-156-max-bundle-data":          {"111", "108+109", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
		"chromium-156-whep.js":                  {"111", "108+109", "H264 42e01f packetization-mode=1", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", nil},
		"firefox-esr-153":                       {"109", "120+124", "VP8", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", []string{negotiate.LenientMozilla}},
		"firefox-esr-153-max-bundle-data":       {"109", "120+124", "VP8", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", []string{negotiate.LenientMozilla}},
		"firefox-esr-153-whep.js":               {"109", "120+124", "VP8", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", []string{negotiate.LenientMozilla}},
		"gstreamer-whepsrc-0.15.4":              {"96", "103", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", []string{negotiate.LenientFmtp}},
		"gstreamer-whepclientsrc-0.15.4":        {"101", "97", "H264 42e016 packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", []string{negotiate.LenientMode}},
		"rebuilt-aiortc-1.15.0":                 {"96", "101+102", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
		"rebuilt-eyevinn-webrtc-player-0.13.0":  {"111", "106+107", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
		"rebuilt-firefox-128-h264":              {"109", "126+127", "H264 42e01f packetization-mode=1", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", []string{negotiate.LenientMozilla}},
		"rebuilt-firefox-128-no-h264":           {"109", "120+124", "VP8", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", []string{negotiate.LenientMozilla}},
		"rebuilt-libdatachannel-0.23":           {"111", "96", "H264 42e01f packetization-mode=1", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", nil},
		"rebuilt-mediamtx-reader-1.20.1":        {"111", "106+107", "H264 42e01f packetization-mode=1", "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1", nil},
		"rebuilt-safari-17":                     {"111", "98+99", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
		"rebuilt-safari-high-only":              {"", "96+97", "H264 640c1f packetization-mode=1", "", []string{negotiate.LenientProfile}},
		"rebuilt-simple-whep-client":            {"111", "96", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
		"rebuilt-simple-whep-client-video-only": {"", "96", "H264 42e01f packetization-mode=1", "", []string{negotiate.LenientBundle, negotiate.LenientFmtp}},
		"rebuilt-whep-draft-example":            {"111", "97+98", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
		"rebuilt-whip-whep-1.2.0":               {"111", "106+107", "H264 42e01f packetization-mode=1", "minptime=10;sprop-stereo=1;useinbandfec=1", nil},
	}
	for name, offer := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			w, found := wants[name]
			if !found {
				t.Fatal("nothing is expected of this offer")
			}
			plan, err := negotiate.Egress(offer, tracks(ourH264, ourVP8, ourOpus))
			if err != nil {
				t.Fatal(err)
			}
			got := want{leniencies: plan.Leniencies}
			for _, s := range plan.Accepted() {
				number := strconv.Itoa(int(s.PayloadType))
				if s.RTXPayloadType != 0 {
					number += "+" + strconv.Itoa(int(s.RTXPayloadType))
				}
				if s.Kind == "audio" {
					got.audio, got.audioFmtp = number, s.Format.Fmtp
				} else {
					got.video, got.format = number, s.Format.String()
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(w) {
				t.Errorf("got  %+v\nwant %+v", got, w)
			}
			checkAnswer(t, plan, plan.Answer(local(plan)))
			checkPion(t, plan)
		})
	}
	for name := range wants {
		if _, found := fixtures(t)[name]; !found {
			t.Errorf("%s is not in testdata", name)
		}
	}
}

// parameters are a codec in pion's words.
func parameters(c negotiate.Codec) webrtc.RTPCodecParameters {
	p := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(c.Number), RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: c.Kind + "/" + c.Format.Name, ClockRate: c.Format.ClockRate, Channels: uint16(c.Format.Channels), SDPFmtpLine: c.Format.Fmtp,
	}}
	for _, value := range c.Feedback {
		name, parameter, _ := strings.Cut(value, " ")
		p.RTCPFeedback = append(p.RTCPFeedback, webrtc.RTCPFeedback{Type: name, Parameter: parameter})
	}
	return p
}

// checkPion makes a PeerConnection as a session does and has it answer the plan's offer, then that of an ICE restart.
func checkPion(t *testing.T, plan *negotiate.Plan) {
	t.Helper()
	engine := &webrtc.MediaEngine{}
	for _, c := range plan.Codecs() {
		if err := engine.RegisterCodec(parameters(c), webrtc.NewRTPCodecType(c.Kind)); err != nil {
			t.Fatalf("register %+v: %v", c, err)
		}
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range plan.Codecs() {
		if c.Format.Name == "rtx" {
			continue
		}
		track, err := webrtc.NewTrackLocalStaticRTP(parameters(c).RTPCodecCapability, c.Kind, "weir")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
			t.Fatal(err)
		}
	}
	first := pionAnswer(t, pc, plan, plan.Offer(plan.Ufrag, plan.Pwd, plan.Candidates))
	second := pionAnswer(t, pc, plan, plan.Offer("restarted", "restartedrestartedrestarted", nil))
	a, _ := first.MediaDescriptions[0].Attribute("ice-ufrag")
	b, _ := second.MediaDescriptions[0].Attribute("ice-ufrag")
	if a == "" || a == b {
		t.Errorf("ufrag %q, after the restart %q", a, b)
	}
}

// pionAnswer has pion answer an offer and wants each section taken, in the plan's payload types.
func pionAnswer(t *testing.T, pc *webrtc.PeerConnection, plan *negotiate.Plan, offer string) *sdp.SessionDescription {
	t.Helper()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		t.Fatalf("set remote description: %v\n%s", err, offer)
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		t.Fatalf("create answer: %v\n%s", err, offer)
	}
	if err := pc.SetLocalDescription(answer); err != nil {
		t.Fatalf("set local description: %v\n%s", err, answer.SDP)
	}
	d := parseSDP(t, answer.SDP)
	accepted := plan.Accepted()
	if len(d.MediaDescriptions) != len(accepted) {
		t.Fatalf("pion answers %d sections of %d:\n%s", len(d.MediaDescriptions), len(accepted), answer.SDP)
	}
	for i, m := range d.MediaDescriptions {
		want := []string{strconv.Itoa(int(accepted[i].PayloadType))}
		if accepted[i].RTXPayloadType != 0 {
			want = append(want, strconv.Itoa(int(accepted[i].RTXPayloadType)))
		}
		if m.MediaName.Port.Value == 0 || !slices.Equal(m.MediaName.Formats, want) || len(attributes(m, "sendonly")) != 1 {
			t.Errorf("pion answers section %d with port %d and formats %v, want %v:\n%s", i, m.MediaName.Port.Value, m.MediaName.Formats, want, answer.SDP)
		}
	}
	return d
}

func TestPionAsPlayerTakesTheAnswer(t *testing.T) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	}()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pc.CreateDataChannel("events", nil); err != nil {
		t.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	plan, err := negotiate.Egress(offer.SDP, tracks(ourH264, ourOpus))
	if err != nil {
		t.Fatal(err)
	}
	answer := plan.Answer(local(plan))
	checkAnswer(t, plan, answer)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	for _, transceiver := range pc.GetTransceivers()[:2] {
		if codecs := transceiver.Receiver().GetParameters().Codecs; len(codecs) == 0 {
			t.Errorf("%s section: no codec", transceiver.Kind())
		}
	}
}
