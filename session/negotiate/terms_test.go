package negotiate_test

import (
	"errors"
	"strings"
	"testing"

	"weir/internal/codec"
	"weir/session/negotiate"
)

// proposed is an offer of ours, with as many RTP streams as it may need.
func proposed(terms negotiate.Terms) string {
	l := local(terms.StandIn())
	l.Ufrag, l.Pwd = "offerufrag", "offerpwdofferpwdofferpwd"
	return terms.Offer(l)
}

// What Egress and Ingest answer to offers of our own is read as it was meant.
func TestOurOffersAreAnsweredByUs(t *testing.T) {
	played := func(formats ...codec.Format) func(*testing.T, string) *negotiate.Plan {
		return func(t *testing.T, offer string) *negotiate.Plan {
			t.Helper()
			return planOf(t, offer, tracks(formats...))
		}
	}
	for name, row := range map[string]struct {
		terms  negotiate.Terms
		answer func(*testing.T, string) *negotiate.Plan
		want   string // what is sent first, then what may follow
	}{
		"pull": {
			negotiate.Pull(), played(ourH264, ourOpus),
			"audio 96 opus 9 G722 0 PCMU 8 PCMA, video 97+98 H264 99+100 H264 101+102 H264 103+104 VP8 105+106 VP9 107+108 AV1 109+110 H265",
		},
		"pull of VP8 alone": {
			negotiate.Pull(), played(ourVP8),
			"video 103+104 VP8 97+98 H264 99+100 H264 101+102 H264 105+106 VP9 107+108 AV1 109+110 H265",
		},
		"push": {negotiate.Push(tracks(ourH264, ourVP8, ourOpus)), taken, "audio 96 opus, video 97+98 H264 99+100 VP8"},
	} {
		t.Run(name, func(t *testing.T) {
			answered := row.answer(t, proposed(row.terms))
			plan, err := row.terms.Read(answered.Answer(local(answered)))
			if err != nil {
				t.Fatal(err)
			}
			if got := sends(plan); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if plan.Ufrag != "weirufrag" || plan.Setup != "passive" || plan.Ingest == answered.Ingest || len(plan.Candidates) != 2 {
				t.Errorf("ufrag %q, setup %q, ingest %t, candidates %q", plan.Ufrag, plan.Setup, plan.Ingest, plan.Candidates)
			}
		})
	}
}

// pullAnswer is what another server of ours answers to an offer to pull.
func pullAnswer(tb testing.TB) string {
	tb.Helper()
	plan, err := negotiate.Egress(proposed(negotiate.Pull()), tracks(ourH264, ourOpus))
	if err != nil {
		tb.Fatal(err)
	}
	return plan.Answer(local(plan))
}

func TestAnswersThatAreOfNoUse(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"empty":          func(string) string { return "" },
		"no SDP":         func(string) string { return "<html>" + strings.Repeat("a", 1000) },
		"endless":        func(s string) string { return s + strings.Repeat("a=x\r\n", 20_000) },
		"one section":    func(s string) string { return s[:strings.LastIndex(s, "m=")] },
		"other mids":     func(s string) string { return strings.ReplaceAll(s, "a=mid:", "a=mid:x") },
		"no fingerprint": func(s string) string { return strings.ReplaceAll(s, "a=fingerprint", "a=finger") },
		"no credentials": func(s string) string { return strings.ReplaceAll(s, "a=ice-pwd", "a=pwd") },
		"nothing sent":   func(s string) string { return strings.ReplaceAll(s, "a=sendonly", "a=inactive") },
		"all refused": func(s string) string {
			return strings.NewReplacer("m=audio 9", "m=audio 0", "m=video 9", "m=video 0").Replace(s)
		},
		"other codecs": func(s string) string {
			return strings.NewReplacer("opus", "speex", "H264", "H261", "VP8", "X8", "VP9", "X9", "AV1", "X1", "H265", "X5",
				"G722", "X7", "PCM", "XCM", "m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/TLS/RTP/SAVPF 99", "/48000", "/48001").Replace(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			terms := negotiate.Pull()
			plan, err := terms.Read(spoil(pullAnswer(t)))
			if !errors.Is(err, negotiate.ErrAnswer) || plan != nil {
				t.Errorf("got plan %v, error %v", plan, err)
			} else if len(err.Error()) > 100 {
				t.Errorf("a long error: %v", err)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(pullAnswer(f))
	for _, offer := range fixtures(f) {
		f.Add(offer)
	}
	pull, push := negotiate.Pull(), negotiate.Push(tracks(ourH264, ourVP8, ourOpus))
	f.Fuzz(func(t *testing.T, answer string) {
		for _, terms := range []*negotiate.Terms{&pull, &push} {
			plan, err := terms.Read(answer)
			switch {
			case err != nil && (plan != nil || !errors.Is(err, negotiate.ErrAnswer)):
				t.Fatalf("plan %v with error %v", plan, err)
			case err == nil && (len(plan.Accepted()) == 0 || plan.Setup == "actpass"):
				t.Fatalf("accepted %d sections, setup %q", len(plan.Accepted()), plan.Setup)
			}
		}
	})
}
