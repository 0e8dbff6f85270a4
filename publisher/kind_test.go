package publisher_test

import (
	"encoding/json"
	"errors"
	"testing"

	"weir/publisher"
	"weir/stream"
)

func TestBadKinds(t *testing.T) {
	made := func(string, json.RawMessage) (publisher.Source, error) { return nil, errors.New("made") }
	for name, kinds := range map[string][]publisher.Kind{
		"no name":         {{New: made}},
		"nothing to make": {{Name: "a"}},
		"two":             {{Name: "a", New: made}, {Name: "a", New: made}},
		"no schema":       {{Name: "a", New: made, Schema: json.RawMessage(`[`)}},
		"unknown secret":  {{Name: "a", New: made, Secrets: []string{"password"}}},
	} {
		if _, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: stream.New(stream.Options{}), Kinds: kinds}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := publisher.NewSupervisor(publisher.SupervisorOptions{}); err == nil {
		t.Error("no registry: no error")
	}
}
