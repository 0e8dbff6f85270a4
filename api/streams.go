package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"weir/internal/wish"
	"weir/publisher"
	"weir/stream"
)

// Streams are the live streams: a *stream.Registry.
type Streams interface {
	Find(name string) (*stream.Stream, bool)
	Streams() []*stream.Stream
}

// listStreams tells everybody of the public streams that are live, and who administers of all there are.
func (f *face) listStreams(w http.ResponseWriter, r *http.Request) error {
	values, err := readQuery(r, "limit", "after")
	if err != nil {
		return err
	}
	c, err := readCut(values)
	if err != nil {
		return err
	}
	switch err := f.mayAdminister(r); {
	case err == nil:
		return f.listAll(w, c)
	case refused(err):
		return f.listPublic(w, c)
	default:
		return err
	}
}

func (f *face) listPublic(w http.ResponseWriter, c cut) error {
	names, next := c.of(f.publicNames())
	answer := struct {
		Streams []factsAnswer `json:"streams"`
		Next    string        `json:"next,omitempty"`
	}{[]factsAnswer{}, next}
	for _, name := range names {
		if facts := f.facts(name); facts.Live { // it may have ended meanwhile
			answer.Streams = append(answer.Streams, facts)
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}

// publicNames are the names of live public streams, sorted. A stream is private that was so before or is so after the
// live ones were listed: else one that begins or ends just then would be told of.
func (f *face) publicNames() []string {
	private := map[string]bool{}
	for _, s := range f.options.Sources.All() {
		private[s.Stream] = s.Private
	}
	var names []string
	for _, s := range f.options.Streams.Streams() {
		if len(s.Tracks()) > 0 && !private[s.Name()] && !f.options.Sources.Private(s.Name()) {
			names = append(names, s.Name())
		}
	}
	slices.Sort(names)
	return names
}

func (f *face) listAll(w http.ResponseWriter, c cut) error {
	all := map[string]bool{}
	for _, s := range f.options.Streams.Streams() {
		all[s.Name()] = true
	}
	for _, s := range f.options.Sources.All() {
		all[s.Stream] = true
	}
	names, next := c.of(slices.Sorted(maps.Keys(all)))
	answer := struct {
		Streams []streamAnswer `json:"streams"`
		Next    string         `json:"next,omitempty"`
	}{[]streamAnswer{}, next}
	for _, name := range names {
		if one, ok := f.lookAt(name); ok { // it may have gone meanwhile
			answer.Streams = append(answer.Streams, one)
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}

func (f *face) showStream(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	answer, ok := f.lookAt(r.PathValue("name"))
	if !ok {
		return refuseNoStream()
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
	if _, err := readQuery(r); err != nil {
		return b, err
	}
	err = readObject(w, r, accept, types,
		member{"source", &b.source}, member{"params", &b.params}, member{"private", &b.private}, member{"public", &b.public},
		member{"on_demand", &b.onDemand}, member{"stop_after_ms", &b.stopAfter}, member{"restart", &b.restart})
	if err != nil {
		return b, err
	}
	if err := b.readRestart(); err != nil {
		return b, err
	}
	if b.says(b.private) && b.says(b.public) {
		return b, refuseField("field_conflict", "A stream is private or public, not both.", "public", "must not be true beside private")
	}
	return b, nil
}

func (streamBody) says(word *bool) bool { return word != nil && *word }

func (f *face) startStream(w http.ResponseWriter, r *http.Request) error {
	body, err := readStreamBody(w, r, "Accept-Post", typeJSON)
	if err != nil {
		return err
	}
	if body.source == nil {
		return refuseField("field_missing", "The body does not say which source is to be started.", "source", "must be the name of a kind of source")
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
	if _, err := f.options.Sources.Start(name, start); err != nil {
		return f.refuseSource(err, *body.source)
	}
	w.Header().Set("Location", "/api/v1/streams/"+name) // a name needs no escaping
	return f.answerStream(w, http.StatusCreated, name)
}

func (f *face) changeStream(w http.ResponseWriter, r *http.Request) error {
	body, err := readStreamBody(w, r, "Accept-Patch", typeMergePatch, typeJSON)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	status, ok := f.options.Sources.Status(name)
	if !ok {
		return refuseNoStream()
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
		if k, _ := f.kind(kindName); !k.Private {
			change.Private = new(false)
		}
	}
	if _, err := f.options.Sources.Change(name, change); err != nil {
		return f.refuseSource(err, kindName)
	}
	return f.answerStream(w, http.StatusOK, name)
}

func (f *face) stopStream(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	if err := f.options.Sources.Stop(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// refuseSource adds to a refusal what there is, or why something is not.
func (f *face) refuseSource(err error, kindName string) error {
	refusal, ok := errors.AsType[*wish.Refusal](refusalOf(err))
	if !ok {
		return err
	}
	switch refusal.Code {
	case "source_unknown":
		for _, k := range f.options.Sources.Kinds() {
			refusal.Has = append(refusal.Has, k.Name)
		}
	case "source_unavailable":
		if k, ok := f.kind(kindName); ok && k.Missing != nil {
			refusal.Detail = sentence(k.Missing.Error())
		}
	}
	return refusal
}

// answerStream shows how the stream is now.
func (f *face) answerStream(w http.ResponseWriter, status int, name string) error {
	answer, ok := f.lookAt(name)
	if !ok {
		return refuseNoStream() // another request has ended it
	}
	return writeJSON(w, status, answer)
}
