package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/api/request"
	"weir/publisher"
)

// Sources are the kinds of source that there are and the sources that run: a *publisher.Supervisor. Its methods may be
// called from many goroutines at once.
type Sources interface {
	Kinds() []publisher.Kind
	Start(stream string, r publisher.Start) (publisher.Status, error)
	Change(stream string, c publisher.Change) (publisher.Status, error)
	Stop(ctx context.Context, stream string) error
	Status(stream string) (publisher.Status, bool)
	All() []publisher.Status
	Private(stream string) bool
}

// kindAnswer is a kind of source that can be started.
type kindAnswer struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Available   bool            `json:"available"`
	Reason      string          `json:"reason,omitempty"` // why it is not
	Private     bool            `json:"private"`
	Params      json.RawMessage `json:"params"` // JSON Schema
}

// ListSources lists the kinds of source, each with why it cannot run, if so.
func (a *API) ListSources(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	answer := struct {
		Sources []kindAnswer `json:"sources"`
	}{[]kindAnswer{}}
	for _, k := range a.options.Sources.Kinds() {
		one := kindAnswer{
			Name: k.Name, Title: k.Title, Description: k.Description, Available: true, Private: k.Private, Params: k.Schema,
		}
		lacks := k.Missing
		if lacks == nil && k.Absent != nil {
			lacks = k.Absent(r.Context())
		}
		if lacks != nil {
			one.Available, one.Reason = false, sentence(lacks.Error())
		}
		if len(one.Params) == 0 {
			one.Params = json.RawMessage(`{"type":"object","additionalProperties":false}`)
		}
		answer.Sources = append(answer.Sources, one)
	}
	return writeJSON(w, http.StatusOK, answer)
}

// sentence makes one for people of an error's text.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// kind finds a kind of source.
func (a *API) kind(name string) (publisher.Kind, bool) {
	for _, k := range a.options.Sources.Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return publisher.Kind{}, false
}
