//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"slices"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// answered runs a Check on the sections of an answer to a good offer, and on
// those of the offer.
func answered(f func(t *testing.T, offer, answer []string)) Check {
	return func(t *testing.T, s *Server) {
		t.Helper()
		for _, w := range []Way{{}, {Reversed: true, VP8: true}} {
			m := s.MakeOf(t, s.Offer(t, w))
			f(t, webrtctest.Sections(m.Offer), webrtctest.Sections(m.Body))
		}
	}
}

// Section 2 of the rules: the answer.
func answerRules() map[string]Check {
	has := func(line string) Check {
		return answered(func(t *testing.T, _, answer []string) {
			t.Helper()
			for _, section := range answer[1:] {
				if !slices.Contains(webrtctest.Lines(section), line) {
					t.Errorf("no %s in:\n%s", line, section)
				}
			}
		})
	}
	return map[string]Check{
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
		"xx-104": func(t *testing.T, s *Server) {
			p := s.opened(t, Way{Offer: bundleOnly})
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
	sections[2] = strings.Replace(sections[2], " 9 ", " 0 ", 1) + "a=bundle-only\r\n"
	return strings.Join(sections, "")
}
