package control

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"weir/api/request"
	"weir/internal/wish"
	"weir/session"
	"weir/session/negotiate"
)

// verdictAnswer is what a POST of an offer would come to.
type verdictAnswer struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Held   bool   `json:"held,omitempty"` // the POST would wait, and be told this in the end where that is in vain

	Plan *planAnswer `json:"plan,omitempty"` // of 201 only

	*refusalAnswer // of everything else only
}

type refusalAnswer struct {
	Detail     string   `json:"detail"`
	Remedy     string   `json:"remedy"`
	Offered    []string `json:"offered"`
	Has        []string `json:"has"`
	RetryAfter int      `json:"retry_after,omitempty"` // seconds
}

type planAnswer struct {
	Setup      string          `json:"setup"`
	Leniencies []string        `json:"leniencies"`
	Candidates int             `json:"candidates"`
	Sections   []sectionAnswer `json:"sections"`
}

type sectionAnswer struct {
	Mid            string   `json:"mid"`
	Kind           string   `json:"kind"`
	Accepted       bool     `json:"accepted"`
	Reason         string   `json:"reason,omitempty"`
	Codec          string   `json:"codec,omitempty"`
	PayloadType    *uint8   `json:"payload_type,omitempty"`
	RTXPayloadType uint8    `json:"rtx_payload_type,omitempty"`
	Fmtp           string   `json:"fmtp,omitempty"`
	Feedback       []string `json:"feedback,omitempty"`
	Codecs         []string `json:"codecs,omitempty"` // all that a publisher may send, its preferred one first
	Layers         []string `json:"layers,omitempty"` // of a publisher's simulcast, by rid
}

// Explain tells what a POST of the offer to the stream's endpoint would be answered, and makes nothing.
func (a *API) Explain(w http.ResponseWriter, r *http.Request) error {
	values, err := request.Query(r, "stream", "as")
	if err != nil {
		return err
	}
	name := values.Get("stream")
	switch as := values.Get("as"); {
	case name == "":
		return request.RefuseParameter("stream", "must be the name of a stream")
	case values.Has("as") && as != "play" && as != "publish":
		return request.RefuseParameter("as", "must be play or publish")
	}
	offer, err := wish.ReadOffer(w, r, a.options.MaxOffer)
	if err != nil {
		return err
	}
	if a.options.ValidName(name) {
		a.options.About(r, name, "")
	}
	_, token, remote := a.options.Caller(r)
	explain := a.options.Sessions.Explain
	if values.Get("as") == "publish" {
		explain = a.options.Sessions.ExplainIngest
	}
	plan, held, err := explain(session.Request{
		Stream: name, Offer: offer, Remote: remote, Local: request.Local(r), Token: token, Forwarded: request.Forwarded(r),
	})
	if err == nil {
		return writeJSON(w, http.StatusOK, verdictAnswer{Status: http.StatusCreated, Code: "created", Plan: planOf(plan)})
	}
	refusal, ok := errors.AsType[*wish.Refusal](err)
	if !ok {
		return err
	}
	answer := verdictAnswer{Status: refusal.Status, Code: refusal.Code, Held: held, refusalAnswer: &refusalAnswer{
		Detail: refusal.Detail, Remedy: refusal.Remedy, Offered: list(refusal.Offered), Has: list(refusal.Has),
	}}
	if seconds, err := strconv.Atoi(refusal.Headers["Retry-After"]); err == nil {
		answer.RetryAfter = seconds
	}
	return writeJSON(w, http.StatusOK, answer)
}

func planOf(p *negotiate.Plan) *planAnswer {
	answer := &planAnswer{
		Setup: p.Setup, Leniencies: list(slices.Sorted(slices.Values(p.Leniencies))), Candidates: len(p.Candidates),
		Sections: []sectionAnswer{},
	}
	for _, s := range p.Sections {
		one := sectionAnswer{Mid: s.Mid, Kind: s.Kind, Accepted: s.Accepted, Reason: s.Reason}
		if s.Accepted {
			one.Codec, one.PayloadType, one.RTXPayloadType = s.Format.Name, new(s.PayloadType), s.RTXPayloadType
			one.Fmtp, one.Feedback = s.Format.Fmtp, s.Feedback
			for _, payload := range s.Payloads {
				if !slices.Contains(one.Codecs, payload.Format.Name) {
					one.Codecs = append(one.Codecs, payload.Format.Name)
				}
			}
			one.Layers = s.RIDs
		}
		answer.Sections = append(answer.Sections, one)
	}
	return answer
}

// list is never null in JSON.
func list(words []string) []string {
	if words == nil {
		return []string{}
	}
	return words
}
