package whip_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"weir/internal/webrtctest"
	"weir/internal/wishtest"
)

// figures are what the API tells of a section of a session.
type figures struct {
	Kind             string
	RTT              float64 `json:"rtt_ms"`
	Loss             float64
	Lost             int
	Jitter           float64 `json:"jitter_ms"`
	NACKs            int
	KeyFrameRequests int `json:"key_frame_requests"`
	Reports          int
}

// told asks the API for the picture's figures of a session.
func (s *server) told(t *testing.T, l *webrtctest.Link) figures {
	t.Helper()
	reply, err := s.client.Do(t.Context(), http.MethodGet, s.base+"/api/v1/sessions/"+s.sessionOf(t, l).ID(), "", bearer(adminToken)...)
	if err != nil {
		t.Fatal(err)
	}
	wishtest.WantStatus(t, reply, http.StatusOK)
	var answer struct{ Media []figures }
	if err := json.Unmarshal([]byte(reply.Body), &answer); err != nil {
		t.Fatal(err)
	}
	for _, m := range answer.Media {
		if m.Kind == "video" {
			return m
		}
	}
	t.Fatalf("no picture in %s", reply.Body)
	return figures{}
}

// What a player reports is to be read in the API, and what we say of a publisher.
func TestFiguresOfSessions(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{})
	p := s.publishing(t, "live", webrtctest.PublishOptions{NoAudio: true})
	player := s.play(t, "live", webrtctest.Options{NoAudio: true})
	media(t, player, 10)
	p.LoseOut(20)
	player.Lose(20)
	if err := player.AskKeyFrame(); err != nil {
		t.Fatal(err)
	}
	webrtctest.Until(t, 2*wishtest.Soon, func() string {
		if err := player.Tell(64, 7, 900); err != nil {
			return err.Error()
		}
		viewer, publisher := s.told(t, player.Link), s.told(t, p.Link)
		switch {
		case viewer.Loss != 0.25 || viewer.Lost != 7 || viewer.Jitter != 10 || viewer.Reports == 0:
			return fmt.Sprintf("the player's report: %+v", viewer)
		case viewer.RTT <= 0 || viewer.RTT > 5000:
			return fmt.Sprintf("the player's round-trip time: %+v", viewer)
		case viewer.NACKs == 0 || viewer.KeyFrameRequests == 0:
			return fmt.Sprintf("what the player asks for: %+v", viewer)
		case publisher.RTT <= 0 || publisher.RTT > 5000 || publisher.NACKs == 0 || publisher.KeyFrameRequests == 0:
			return fmt.Sprintf("what we ask the publisher for: %+v", publisher)
		case publisher.Lost == 0:
			return fmt.Sprintf("the publisher's losses: %+v", publisher)
		}
		if heard := p.Heard(); heard.KeyFrames == 0 || heard.FIR > 0 || heard.NACKs == 0 || heard.Reports == 0 {
			return fmt.Sprintf("what the publisher hears: %+v", heard)
		}
		return ""
	})
}

// A publisher is told in the way that it offers, and in no other: it makes no key
// frame here but when it is asked for one, and the player begins with one.
func TestFeedbackIsAsOffered(t *testing.T) {
	t.Parallel()
	none := func(webrtctest.Heard) bool { return false }
	remb := func(sdp string) string {
		return strings.ReplaceAll(sdp, "a=rtcp-fb:102 nack pli\r\n", "a=rtcp-fb:102 nack pli\r\na=rtcp-fb:102 goog-remb\r\n")
	}
	for name, c := range map[string]struct {
		offer   webrtctest.PublishOptions
		answer  string // a line of it
		hears   func(webrtctest.Heard) bool
		strange func(webrtctest.Heard) bool
	}{
		"nack pli": {
			webrtctest.PublishOptions{},
			"a=rtcp-fb:102 nack pli",
			func(h webrtctest.Heard) bool { return h.KeyFrames > h.FIR },
			func(h webrtctest.Heard) bool { return h.FIR+h.Estimates+h.Numbered > 0 },
		},
		"ccm fir alone": {
			webrtctest.PublishOptions{Offer: func(sdp string) string { return strings.ReplaceAll(sdp, " nack pli\r\n", " x-none\r\n") }},
			"a=rtcp-fb:102 ccm fir",
			func(h webrtctest.Heard) bool { return h.FIR > 0 },
			func(h webrtctest.Heard) bool { return h.KeyFrames > h.FIR },
		},
		"goog-remb": {
			webrtctest.PublishOptions{Offer: remb},
			"a=rtcp-fb:102 goog-remb",
			func(h webrtctest.Heard) bool { return h.Estimates > 0 }, none,
		},
		"transport-cc": {
			webrtctest.PublishOptions{Wide: true, Offer: remb},
			"a=rtcp-fb:102 transport-cc",
			func(h webrtctest.Heard) bool { return h.Numbered > 0 },
			func(h webrtctest.Heard) bool { return h.Estimates > 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, serverOptions{})
			c.offer.NoAudio = true
			p := s.publish(t, "live", c.offer)
			if !strings.Contains(p.Answer(), c.answer+"\r\n") {
				t.Errorf("the answer has no line %q:\n%s", c.answer, p.Answer())
			}
			feeding(t.Context(), t, p, webrtctest.Feed{GOP: 1 << 30})
			first := s.play(t, "live", webrtctest.Options{NoAudio: true})
			media(t, first, 10)
			before := first.Video().KeyFrames
			webrtctest.Until(t, 2*wishtest.Soon, func() string {
				if err := first.AskKeyFrame(); err != nil {
					return err.Error()
				}
				if h := p.Heard(); !c.hears(h) || h.Reports == 0 {
					return fmt.Sprintf("what the publisher should hear: %+v", h)
				}
				if first.Video().KeyFrames == before {
					return "a key frame that was asked for"
				}
				return ""
			})
			if h := p.Heard(); c.strange(h) {
				t.Errorf("the publisher heard what it did not offer: %+v", h)
			}
		})
	}
}
