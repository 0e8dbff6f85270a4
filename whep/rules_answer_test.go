//nolint:thelper // a check is a test by the id of its rule, no helper
package whep_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// answered runs a check on the sections of an answer to a good offer, and on
// those of the offer.
func answered(f func(t *testing.T, offer, answer []string)) check {
	return func(t *testing.T, s *server) {
		t.Helper()
		for _, o := range []webrtctest.Options{{}, {AudioFirst: true, Codecs: []string{"VP8", "H264"}}} {
			m := s.makeOf(t, s.offer(t, o))
			f(t, webrtctest.Sections(m.offer), webrtctest.Sections(m.Body))
		}
	}
}

// Section 2 of the rules: the answer.
func answerRules() map[string]check {
	has := func(line string) check {
		return answered(func(t *testing.T, _, answer []string) {
			t.Helper()
			for _, section := range answer[1:] {
				if !slices.Contains(webrtctest.Lines(section), line) {
					t.Errorf("no %s in:\n%s", line, section)
				}
			}
		})
	}
	return map[string]check{
		"WHEP-30": func(t *testing.T, s *server) {
			has("a=sendonly")(t, s)
			sendrecv := s.makeOf(t, replace(t, s.offer(t, webrtctest.Options{}), "a=recvonly", "a=sendrecv"))
			if n := len(webrtctest.Values(sendrecv.Body, "a=sendonly")); n != 2 {
				t.Errorf("%d sections of the answer to sendrecv are sendonly:\n%s", n, sendrecv.Body)
			}
		},
		"xx-31": answered(func(t *testing.T, _, answer []string) {
			bundle := strings.Fields(webrtctest.Value(answer[0], "a=group:BUNDLE"))
			for _, section := range answer[1:] {
				if mid := webrtctest.Value(section, "a=mid:"); !slices.Contains(bundle, mid) {
					t.Errorf("mid %s is not in the bundle %v", mid, bundle)
				}
			}
		}),
		"xx-32": has("a=rtcp-mux"),
		"xx-33": has("a=rtcp-mux-only"),
		"xx-34": answered(func(t *testing.T, _, answer []string) {
			for _, section := range answer[1:] {
				setup := webrtctest.Value(section, "a=setup:") + webrtctest.Value(answer[0], "a=setup:")
				if setup != "active" && setup != "passive" {
					t.Errorf("setup %q", setup)
				}
			}
		}),
		"xx-35": answered(func(t *testing.T, _, answer []string) {
			for _, section := range answer[1:] {
				ufrag, pwd := webrtctest.Value(section, "a=ice-ufrag:"), webrtctest.Value(section, "a=ice-pwd:")
				if len(ufrag) < 4 || len(ufrag) > 256 || len(pwd) < 22 || len(pwd) > 256 {
					t.Errorf("a ufrag of %d and a pwd of %d characters", len(ufrag), len(pwd))
				}
				fingerprint := webrtctest.Value(section, "a=fingerprint:") + webrtctest.Value(answer[0], "a=fingerprint:")
				if !strings.HasPrefix(fingerprint, "sha-256 ") && !strings.HasPrefix(fingerprint, "sha-384 ") && !strings.HasPrefix(fingerprint, "sha-512 ") {
					t.Errorf("fingerprint %q", fingerprint)
				}
			}
		}),
		"xx-36": answered(func(t *testing.T, _, answer []string) {
			if len(webrtctest.Values(answer[1], "a=candidate:")) == 0 {
				t.Error("no candidate in the first section")
			}
		}),
		"xx-37": answered(func(t *testing.T, _, answer []string) {
			if len(webrtctest.Values(answer[1], "a=end-of-candidates")) != 1 {
				t.Error("the first section does not end its candidates")
			}
		}),
		"WHEP-38": answered(func(t *testing.T, _, answer []string) {
			streams := map[string]bool{}
			for _, section := range answer[1:] {
				msids := webrtctest.Values(section, "a=msid:")
				if len(msids) != 1 || len(strings.Fields(msids[0])) != 2 {
					t.Fatalf("msid lines: %q", msids)
				}
				streams[strings.Fields(msids[0])[0]] = true
			}
			if len(streams) != 1 {
				t.Errorf("MediaStreams: %v", slices.Collect(maps.Keys(streams)))
			}
		}),
		"xx-39": answered(func(t *testing.T, offer, answer []string) {
			for i := range answer[1:] {
				asked, given := strings.Fields(webrtctest.Lines(offer[i+1])[0])[3:], strings.Fields(webrtctest.Lines(answer[i+1])[0])[3:]
				for _, payloadType := range given {
					if !slices.Contains(asked, payloadType) {
						t.Errorf("payload type %s was not offered", payloadType)
					}
				}
				for _, value := range webrtctest.Values(answer[i+1], "a=rtpmap:") {
					if payloadType, _, _ := strings.Cut(value, " "); !slices.Contains(given, payloadType) {
						t.Errorf("rtpmap of %s, which is not in the m= line", payloadType)
					}
				}
			}
		}),
		"xx-103": answered(func(t *testing.T, _, answer []string) {
			if len(webrtctest.Values(answer[0], "a=ice-lite")) != 0 {
				t.Error("the server is ICE lite")
			}
		}),
		"xx-104": func(t *testing.T, s *server) {
			p := s.playing(t, webrtctest.Options{Offer: bundleOnly})
			for _, section := range webrtctest.Sections(p.Answer())[1:] {
				if strings.Fields(section)[1] == "0" {
					t.Errorf("a bundle-only section was refused:\n%s", section)
				}
			}
		},
	}
}

// bundleOnly makes the second section of an offer bundle-only (RFC 9143 7.2).
func bundleOnly(offer string) string {
	sections := webrtctest.Sections(offer)
	sections[2] = strings.Replace(sections[2], "m=audio 9 ", "m=audio 0 ", 1) + "a=bundle-only\r\n"
	return strings.Join(sections, "")
}
