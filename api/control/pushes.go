package control

import (
	"context"
	"net/http"
	"time"

	"weir/api/request"
	"weir/relay"
	"weir/stream"
)

// Pushes publish streams on other servers: a *relay.Relay.
type Pushes interface {
	Push(stream string, start relay.PushStart) (relay.PushStatus, error)
	Pushes(stream string) []relay.PushStatus
	PushOf(stream, id string) (relay.PushStatus, error)
	EndPush(ctx context.Context, stream, id string) error
}

type pushAnswer struct {
	ID       string     `json:"id"`
	Stream   string     `json:"stream"`
	URL      string     `json:"url"`
	State    string     `json:"state"`
	Reason   string     `json:"reason"`
	Since    time.Time  `json:"since"`
	NextTry  *time.Time `json:"next_try"` // null: it waits for no time
	Restarts int        `json:"restarts"`
	Packets  uint64     `json:"packets"`
	Bytes    uint64     `json:"bytes"`
	Codecs   []string   `json:"codecs"`
}

func pushOf(s relay.PushStatus) pushAnswer {
	answer := pushAnswer{
		ID: s.ID, Stream: s.Stream, URL: s.URL, State: string(s.State), Reason: s.Reason, Since: s.Since.UTC(),
		Restarts: s.Restarts, Packets: s.Packets, Bytes: s.Bytes, Codecs: list(s.Codecs),
	}
	if !s.NextTry.IsZero() {
		next := s.NextTry.UTC()
		answer.NextTry = &next
	}
	return answer
}

// pushName is the stream that the path names.
func (a *API) pushName(r *http.Request) (string, error) {
	name := r.PathValue("name")
	if !a.options.ValidName(name) {
		return "", stream.ErrName
	}
	return name, nil
}

// ListPushes lists the pushes of a stream.
func (a *API) ListPushes(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	name, err := a.pushName(r)
	if err != nil {
		return err
	}
	answer := struct {
		Pushes []pushAnswer `json:"pushes"`
	}{[]pushAnswer{}}
	for _, s := range a.options.Pushes.Pushes(name) {
		answer.Pushes = append(answer.Pushes, pushOf(s))
	}
	return writeJSON(w, http.StatusOK, answer)
}

// StartPush publishes a stream on another server.
func (a *API) StartPush(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	var url, token *string
	if err := request.ReadObject(w, r, "Accept-Post", []string{request.TypeJSON}, request.Member{Name: "url", Into: &url}, request.Member{Name: "token", Into: &token}); err != nil {
		return err
	}
	if url == nil {
		return request.RefuseField("field_missing", "The body does not say where the stream is to be pushed.", "url", "must be the WHIP address of another server")
	}
	start := relay.PushStart{URL: *url}
	if token != nil {
		start.Token = *token
	}
	s, err := a.options.Pushes.Push(r.PathValue("name"), start)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/streams/"+s.Stream+"/pushes/"+s.ID)
	return writeJSON(w, http.StatusCreated, pushOf(s))
}

// ShowPush shows a push.
func (a *API) ShowPush(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	s, err := a.options.Pushes.PushOf(r.PathValue("name"), r.PathValue("push"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, pushOf(s))
}

// EndPush ends a push.
func (a *API) EndPush(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	if err := a.options.Pushes.EndPush(r.Context(), r.PathValue("name"), r.PathValue("push")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
