package control

import (
	"context"
	"net/http"
	"slices"
	"time"

	"weir/api/request"
	"weir/session"
	"weir/session/negotiate"
)

// Sessions are the sessions alive: a *session.Manager.
type Sessions interface {
	Sessions() []*session.Session
	Lookup(id string) (*session.Session, bool)
	Explain(r session.Request) (plan *negotiate.Plan, held bool, err error)
	ExplainIngest(r session.Request) (plan *negotiate.Plan, held bool, err error)
	Await(ctx context.Context, r session.Request, d time.Duration)
}

type sessionAnswer struct {
	ID         string            `json:"id"`
	Protocol   string            `json:"protocol"`
	Stream     string            `json:"stream"`
	Remote     string            `json:"remote"`
	Token      string            `json:"token"` // its name, "" for none
	Age        float64           `json:"age_ms"`
	Connected  bool              `json:"connected"`
	State      string            `json:"state"`
	ICE        iceAnswer         `json:"ice"`
	Packets    uint64            `json:"packets"`
	Bytes      uint64            `json:"bytes"`
	Drops      map[string]uint64 `json:"drops"`
	Leniencies []string          `json:"leniencies"`
	Media      []mediaAnswer     `json:"media"`
}

type iceAnswer struct {
	State  string `json:"state"`
	Local  string `json:"local"`  // candidate of the selected pair, "" for none yet
	Remote string `json:"remote"` // the other end's
}

type mediaAnswer struct {
	Kind             string            `json:"kind"`
	Codec            string            `json:"codec"`
	Profile          string            `json:"profile"`
	Fmtp             string            `json:"fmtp"`
	PayloadType      uint8             `json:"payload_type"`
	SSRC             uint32            `json:"ssrc"`
	Packets          uint64            `json:"packets"`
	Bytes            uint64            `json:"bytes"`
	Offered          uint64            `json:"offered"`
	Drops            map[string]uint64 `json:"drops"`
	Resent           uint64            `json:"resent"`
	RTT              float64           `json:"rtt_ms"`
	Loss             float64           `json:"loss"`
	Lost             int32             `json:"lost"`
	Jitter           float64           `json:"jitter_ms"`
	NACKs            uint64            `json:"nacks"`
	KeyFrameRequests uint64            `json:"key_frame_requests"`
	Reports          uint64            `json:"reports"`

	Received *receivedAnswer `json:"received,omitempty"` // of a publisher only
}

type receivedAnswer struct {
	Streams     int    `json:"streams"`
	Layer       string `json:"layer"` // that is request.Forwarded, "" where there are none
	Recovered   uint64 `json:"recovered"`
	Duplicates  uint64 `json:"duplicates"`
	GivenUp     uint64 `json:"given_up"`
	Unasked     uint64 `json:"key_frames_not_asked_for"`
	Disbelieved uint64 `json:"reports_disbelieved"`
}

// ListSessions lists the sessions by id, those of one stream if asked.
func (a *API) ListSessions(w http.ResponseWriter, r *http.Request) error {
	values, err := request.Query(r, "stream", "limit", "after")
	if err != nil {
		return err
	}
	c, err := request.ReadCut(values)
	if err != nil {
		return err
	}
	byID := map[string]*session.Session{}
	var ids []string
	for _, s := range a.options.Sessions.Sessions() {
		if !values.Has("stream") || s.Stream() == values.Get("stream") {
			byID[s.ID()], ids = s, append(ids, s.ID())
		}
	}
	slices.Sort(ids)
	ids, next := c.Of(ids)
	answer := struct {
		Sessions []sessionAnswer `json:"sessions"`
		Next     string          `json:"next,omitempty"`
	}{[]sessionAnswer{}, next}
	for _, id := range ids {
		answer.Sessions = append(answer.Sessions, sessionOf(byID[id].Stats()))
	}
	return writeJSON(w, http.StatusOK, answer)
}

// findSession finds the session that the path names.
func (a *API) findSession(r *http.Request) (*session.Session, error) {
	if _, err := request.Query(r); err != nil {
		return nil, err
	}
	s, ok := a.options.Sessions.Lookup(r.PathValue("id"))
	if !ok {
		return nil, ErrNoSession
	}
	a.options.About(r, s.Stream(), s.ID())
	return s, nil
}

// ShowSession shows a session.
func (a *API) ShowSession(w http.ResponseWriter, r *http.Request) error {
	s, err := a.findSession(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, sessionOf(s.Stats()))
}

// EndSession ends a session as its player's DELETE would, but for the reason.
func (a *API) EndSession(w http.ResponseWriter, r *http.Request) error {
	s, err := a.findSession(r)
	if err != nil {
		return err
	}
	s.Close(session.ReasonOperator)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func sessionOf(s session.Stats) sessionAnswer {
	answer := sessionAnswer{
		ID: s.ID, Protocol: s.Protocol, Stream: s.Stream, Remote: s.Remote.String(), Token: s.Token,
		Age: milliseconds(s.Age), Connected: s.Connected, State: s.State,
		ICE:     iceAnswer{State: s.ICEState, Local: s.Candidates[0], Remote: s.Candidates[1]},
		Packets: s.Packets, Bytes: s.Bytes, Drops: s.Drops, Leniencies: list(slices.Sorted(slices.Values(s.Leniencies))), Media: []mediaAnswer{},
	}
	for _, m := range s.Media {
		one := mediaAnswer{
			Kind: m.Kind, Codec: m.Codec, Profile: m.Profile, Fmtp: m.Fmtp, PayloadType: m.PayloadType, SSRC: m.SSRC,
			Packets: m.Sent.Delivered, Bytes: m.Sent.Bytes, Offered: m.Sent.Offered, Drops: m.Sent.Drops, Resent: m.Sent.Resent,
			RTT: milliseconds(m.RTT), Loss: m.FractionLost, Lost: m.Lost, Jitter: milliseconds(m.Jitter),
			NACKs: m.NACKs, KeyFrameRequests: m.KeyFrames, Reports: m.Reports,
		}
		if got := m.Received; got != nil {
			one.Packets, one.Bytes, one.Offered, one.Drops = got.Packets, got.Bytes, got.Packets, got.Drops
			one.Received = &receivedAnswer{
				Streams: got.Streams, Layer: got.Layer, Recovered: got.Recovered, Duplicates: got.Duplicates,
				GivenUp: got.GivenUp, Unasked: got.Unasked, Disbelieved: got.Disbelieved,
			}
		}
		answer.Media = append(answer.Media, one)
	}
	return answer
}
