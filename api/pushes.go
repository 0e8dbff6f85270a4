package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"weir/internal/wish"
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
func (f *face) pushName(r *http.Request) (string, error) {
	name := r.PathValue("name")
	if !f.options.ValidName(name) {
		return "", refuseName()
	}
	return name, nil
}

func (f *face) listPushes(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	name, err := f.pushName(r)
	if err != nil {
		return err
	}
	answer := struct {
		Pushes []pushAnswer `json:"pushes"`
	}{[]pushAnswer{}}
	for _, s := range f.options.Pushes.Pushes(name) {
		answer.Pushes = append(answer.Pushes, pushOf(s))
	}
	return writeJSON(w, http.StatusOK, answer)
}

func (f *face) startPush(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	var url, token *string
	if err := readObject(w, r, "Accept-Post", []string{typeJSON}, member{"url", &url}, member{"token", &token}); err != nil {
		return err
	}
	if url == nil {
		return refuseField("field_missing", "The body does not say where the stream is to be pushed.", "url", "must be the WHIP address of another server")
	}
	start := relay.PushStart{URL: *url}
	if token != nil {
		start.Token = *token
	}
	s, err := f.options.Pushes.Push(r.PathValue("name"), start)
	if err != nil {
		return refusePush(err)
	}
	w.Header().Set("Location", "/api/v1/streams/"+s.Stream+"/pushes/"+s.ID)
	return writeJSON(w, http.StatusCreated, pushOf(s))
}

func (f *face) showPush(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	s, err := f.options.Pushes.PushOf(r.PathValue("name"), r.PathValue("push"))
	if err != nil {
		return refusePush(err)
	}
	return writeJSON(w, http.StatusOK, pushOf(s))
}

func (f *face) endPush(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	if err := f.options.Pushes.EndPush(r.Context(), r.PathValue("name"), r.PathValue("push")); err != nil {
		return refusePush(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// refusePush turns what relay returns into what a client is told.
func refusePush(err error) error {
	switch {
	case errors.Is(err, stream.ErrName):
		return refuseName()
	case errors.Is(err, relay.ErrNoPush):
		return &wish.Refusal{
			Status: http.StatusNotFound, Code: "push_not_found", Detail: "There is no such push.",
			Remedy: "GET /api/v1/streams/NAME/pushes lists those of a stream.",
		}
	case errors.Is(err, relay.ErrHost):
		refusal := refuseField("host_not_allowed", "The address is not one that streams may be pushed to.", "url", "is not allowed: "+relay.Why(err))
		refusal.Remedy = "The setting relay.hosts lists the servers that may be spoken to: correct the address, or add its host there."
		return refusal
	case errors.Is(err, relay.ErrToken):
		return refuseField("token_invalid", "The token is none that can be sent.", "token", "must be visible ASCII characters without a space, 4096 at most")
	case errors.Is(err, relay.ErrPushed):
		return &wish.Refusal{
			Status: http.StatusConflict, Code: "push_exists", Detail: "The stream is pushed to that address already.",
			Remedy: "End that push with DELETE first.",
		}
	case errors.Is(err, relay.ErrLoop):
		return &wish.Refusal{
			Status: http.StatusLoopDetected, Code: "loop", Detail: "The stream has come through too many servers.",
			Remedy: "Push it from a server that is nearer to its origin.",
		}
	case errors.Is(err, relay.ErrTooManyPushes):
		return &wish.Refusal{
			Status: http.StatusServiceUnavailable, Code: "too_many_pushes", Detail: "There are as many pushes as there may be.",
			Remedy: "End one with DELETE.", Headers: retryAfter("5"),
		}
	case errors.Is(err, relay.ErrEnded):
		return refuseEnding()
	}
	return err
}
