package control

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"weir/api/request"
	"weir/publisher"
	"weir/stream"
)

// Streams are the live streams: a *stream.Registry.
type Streams interface {
	Find(name string) (*stream.Stream, bool)
	Streams() []*stream.Stream
}

func readStreamsCut(r *http.Request) (request.Cut, error) {
	values, err := request.Query(r, "limit", "after")
	if err != nil {
		return request.Cut{}, err
	}
	return request.ReadCut(values)
}

// ListPublicStreams tells everybody of the public streams that are live.
func (a *API) ListPublicStreams(w http.ResponseWriter, r *http.Request) error {
	c, err := readStreamsCut(r)
	if err != nil {
		return err
	}
	names, next := c.Of(a.publicNames())
	answer := struct {
		Streams []factsAnswer `json:"streams"`
		Next    string        `json:"next,omitempty"`
	}{[]factsAnswer{}, next}
	for _, name := range names {
		if facts := a.facts(name); facts.Live { // it may have ended meanwhile
			answer.Streams = append(answer.Streams, facts)
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}

// publicNames are the names of live public streams, sorted. A stream is private that was so before or is so after the
// live ones were listed: else one that begins or ends just then would be told of.
func (a *API) publicNames() []string {
	private := map[string]bool{}
	for _, s := range a.options.Sources.All() {
		private[s.Stream] = s.Private
	}
	var names []string
	for _, s := range a.options.Streams.Streams() {
		if s.Live() && !private[s.Name()] && !a.options.Sources.Private(s.Name()) {
			names = append(names, s.Name())
		}
	}
	slices.Sort(names)
	return names
}

// ListStreams tells who administers of all streams that there are.
func (a *API) ListStreams(w http.ResponseWriter, r *http.Request) error {
	c, err := readStreamsCut(r)
	if err != nil {
		return err
	}
	all := map[string]bool{}
	for _, s := range a.options.Streams.Streams() {
		all[s.Name()] = true
	}
	for _, s := range a.options.Sources.All() {
		all[s.Stream] = true
	}
	names, next := c.Of(slices.Sorted(maps.Keys(all)))
	answer := struct {
		Streams []streamAnswer `json:"streams"`
		Next    string         `json:"next,omitempty"`
	}{[]streamAnswer{}, next}
	for _, name := range names {
		if one, ok := a.lookAt(name); ok { // it may have gone meanwhile
			answer.Streams = append(answer.Streams, one)
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}

// ShowStream shows a stream.
func (a *API) ShowStream(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	answer, ok := a.lookAt(r.PathValue("name"))
	if !ok {
		return ErrNoStream
	}
	return writeJSON(w, http.StatusOK, answer)
}

// streamBody is what a stream may be asked to be.
type streamBody struct {
	source          *string
	params          json.RawMessage
	private, public *bool
	policyBody
}

func readStreamBody(w http.ResponseWriter, r *http.Request, accept string, types ...string) (b streamBody, err error) {
	if _, err := request.Query(r); err != nil {
		return b, err
	}
	err = request.ReadObject(w, r, accept, types,
		request.Member{Name: "source", Into: &b.source}, request.Member{Name: "params", Into: &b.params}, request.Member{Name: "private", Into: &b.private}, request.Member{Name: "public", Into: &b.public},
		request.Member{Name: "on_demand", Into: &b.onDemand}, request.Member{Name: "stop_after_ms", Into: &b.stopAfter}, request.Member{Name: "restart", Into: &b.restart})
	if err != nil {
		return b, err
	}
	if err := b.readRestart(); err != nil {
		return b, err
	}
	if b.says(b.private) && b.says(b.public) {
		return b, request.RefuseField("field_conflict", "A stream is private or public, not both.", "public", "must not be true beside private")
	}
	return b, nil
}

func (streamBody) says(word *bool) bool { return word != nil && *word }

// StartStream starts a source on a stream.
func (a *API) StartStream(w http.ResponseWriter, r *http.Request) error {
	body, err := readStreamBody(w, r, "Accept-Post", request.TypeJSON)
	if err != nil {
		return err
	}
	if body.source == nil {
		return request.RefuseField("field_missing", "The body does not say which source is to be started.", "source", "must be the name of a kind of source")
	}
	name := r.PathValue("name")
	start := publisher.Start{
		Source: *body.source, Params: body.params,
		OnDemand: body.says(body.onDemand), StopAfter: durationOf(body.stopAfter), Restart: body.change,
	}
	switch { // false is what leaving it out means: as the kind of source has it
	case body.says(body.private):
		start.Private = body.private
	case body.says(body.public):
		start.Private = new(false)
	}
	if _, err := a.options.Sources.Start(name, start); errors.Is(err, stream.ErrPublished) {
		return a.published(name, err)
	} else if err != nil {
		return a.refuseSource(err, *body.source)
	}
	w.Header().Set("Location", "/api/v1/streams/"+name) // a name needs no escaping
	return a.answerStream(w, http.StatusCreated, name)
}

// ChangeStream changes the source of a stream (RFC 7396).
func (a *API) ChangeStream(w http.ResponseWriter, r *http.Request) error {
	body, err := readStreamBody(w, r, "Accept-Patch", request.TypeMergePatch, request.TypeJSON)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	status, ok := a.options.Sources.Status(name)
	if !ok {
		return a.published(name, ErrNoStream)
	}
	kindName := status.Source
	if body.source != nil {
		kindName = *body.source
	}
	change := publisher.Change{
		Source: body.source, Params: body.params,
		OnDemand: body.onDemand, StopAfter: durationOf(body.stopAfter), Restart: body.change,
	}
	switch {
	case body.says(body.private):
		change.Private = body.private
	case body.says(body.public):
		change.Private = new(false)
	case body.private != nil: // false: what is private by its kind becomes public by that word alone
		if k, _ := a.kind(kindName); !k.Private {
			change.Private = new(false)
		}
	}
	if _, err := a.options.Sources.Change(name, change); err != nil {
		return a.refuseSource(err, kindName)
	}
	return a.answerStream(w, http.StatusOK, name)
}

// StopStream stops the source of a stream.
func (a *API) StopStream(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	name := r.PathValue("name")
	if err := a.options.Sources.Stop(r.Context(), name); errors.Is(err, publisher.ErrNotSupervised) {
		return a.published(name, err)
	} else if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// published returns a PublishedError where a session publishes the stream, else err.
func (a *API) published(name string, err error) error {
	if found, ok := a.options.Streams.Find(name); !ok || found.Publication() == nil {
		return err
	}
	for _, s := range a.options.Sessions.Sessions() {
		if s.Stream() == name && s.Publishes() {
			return &PublishedError{Session: s.ID()}
		}
	}
	return err
}

// refuseSource adds to an error what there is, or why something is not.
func (a *API) refuseSource(err error, kindName string) error {
	refused := &SourceError{cause: err}
	for _, k := range a.options.Sources.Kinds() {
		refused.Kinds = append(refused.Kinds, k.Name)
		if k.Name == kindName && k.Missing != nil {
			refused.Missing = sentence(k.Missing.Error())
		}
	}
	return refused
}

// answerStream shows how the stream is now.
func (a *API) answerStream(w http.ResponseWriter, status int, name string) error {
	answer, ok := a.lookAt(name)
	if !ok {
		return ErrNoStream // another request has ended it
	}
	return writeJSON(w, status, answer)
}
