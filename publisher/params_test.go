package publisher_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/publisher"
	"weir/stream"
)

const everyType = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object", "additionalProperties": false, "required": ["path"],
  "properties": {
    "count": {"type": "integer", "minimum": 1, "maximum": 10, "default": 3, "x-unit": "px"},
    "even": {"type": "integer", "minimum": 16, "multipleOf": 2, "default": 16},
    "gain": {"type": "number", "maximum": 1.5, "default": 0.5},
    "loop": {"type": "boolean", "default": true},
    "mode": {"type": "string", "enum": ["fast", "good"], "default": "good"},
    "path": {"type": "string", "minLength": 1, "maxLength": 8, "pattern": "^[a-z]*$"},
    "any": {"type": "integer"}
  }
}`

// given is what New got, or the problems.
func given(t *testing.T, schema, params string) (string, map[string]string) {
	t.Helper()
	var got string
	stop := errors.New("enough")
	s, err := publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: stream.New(stream.Options{}),
		Kinds: []publisher.Kind{{Name: "kind", Schema: json.RawMessage(schema), New: func(_ string, p json.RawMessage) (publisher.Source, error) {
			got = string(p)
			return nil, stop
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Start("test", publisher.Start{Source: "kind", Params: json.RawMessage(params)})
	if errors.Is(err, stop) {
		return got, nil
	}
	failure, ok := errors.AsType[*publisher.ParamError](err)
	if !ok {
		t.Fatalf("%s: %v", params, err)
	}
	problems := map[string]string{}
	for _, p := range failure.Problems {
		if !strings.Contains(err.Error(), p.Name+" "+p.Detail) {
			t.Errorf("%q does not tell of %s", err, p.Name)
		}
		problems[p.Name] = p.Detail
	}
	return "", problems
}

func TestParams(t *testing.T) {
	const count, even = "must be a whole number from 1 to 10 px", "must be an even whole number of at least 16"
	for _, c := range []struct {
		params, want string
		problems     map[string]string
	}{
		{
			params: `{"path": "a"}`,
			want:   `{"count":3,"even":16,"gain":0.5,"loop":true,"mode":"good","path":"a"}`,
		},
		{
			params: `{"path": "abc", "count": 1e1, "even": 18.0, "gain": -2.50, "loop": false, "mode": "fast", "any": -0}`,
			want:   `{"any":0,"count":10,"even":18,"gain":-2.5,"loop":false,"mode":"fast","path":"abc"}`,
		},
		{params: `{"path": "a", "count": null}`, want: `{"count":3,"even":16,"gain":0.5,"loop":true,"mode":"good","path":"a"}`},
		{params: ``, problems: map[string]string{"path": "is missing; it must be text from 1 to 8 characters that matches ^[a-z]*$"}},
		{params: `null`, problems: map[string]string{"path": "is missing; it must be text from 1 to 8 characters that matches ^[a-z]*$"}},
		{params: `[]`, problems: map[string]string{"params": "must be a JSON object"}},
		{params: `{"path": "a"`, problems: map[string]string{"params": "must be a JSON object"}},
		{params: `{"path": "a"} {}`, problems: map[string]string{"params": "must be a JSON object"}},
		{
			params: `{"path": "A", "count": 0, "even": 17, "gain": 2, "loop": "yes", "mode": "slow", "colour": 1}`,
			problems: map[string]string{
				"path": "must be text from 1 to 8 characters that matches ^[a-z]*$", "count": count, "even": even,
				"gain": "must be a number of at most 1.5", "loop": "must be true or false", "mode": "must be one of fast, good",
				"colour": "is not known; this kind of source has any, count, even, gain, loop, mode, path",
			},
		},
		{
			params: `{"path": "a", "count": "3", "even": {"a": 1}, "gain": 1e999, "any": 1e300, "mode": []}`,
			problems: map[string]string{
				"count": count, "even": even, "gain": "must be a number of at most 1.5", "any": "must be a whole number",
				"mode": "must be one of fast, good",
			},
		},
		{params: `{"path": "a", "count": 2.5}`, problems: map[string]string{"count": count}},
		{params: `{"path": "a", "any": 1e-999999999}`, want: `{"any":0,"count":3,"even":16,"gain":0.5,"loop":true,"mode":"good","path":"a"}`},
	} {
		got, problems := given(t, everyType, c.params)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.params, got, c.want)
		}
		if diff := cmp.Diff(c.problems, problems); diff != "" {
			t.Errorf("%s: %s", c.params, diff)
		}
	}
}

func TestNoParams(t *testing.T) {
	if got, problems := given(t, "", ``); got != `{}` || problems != nil {
		t.Errorf("got %s, %v", got, problems)
	}
	_, problems := given(t, "", `{"a": 1}`)
	if diff := cmp.Diff(map[string]string{"a": "is not known; this kind of source has no parameters"}, problems); diff != "" {
		t.Error(diff)
	}
}

func TestBadKinds(t *testing.T) {
	made := func(string, json.RawMessage) (publisher.Source, error) { return nil, errors.New("made") }
	for name, kinds := range map[string][]publisher.Kind{
		"no name":           {{New: made}},
		"nothing to make":   {{Name: "a"}},
		"two":               {{Name: "a", New: made}, {Name: "a", New: made}},
		"no schema":         {{Name: "a", New: made, Schema: json.RawMessage(`[`)}},
		"open":              {{Name: "a", New: made, Schema: json.RawMessage(`{"type": "object", "properties": {}}`)}},
		"keyword":           {{Name: "a", New: made, Schema: json.RawMessage(`{"type": "object", "additionalProperties": false, "oneOf": []}`)}},
		"property keyword":  {{Name: "a", New: made, Schema: json.RawMessage(`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer", "$ref": "file:///etc/passwd"}}}`)}},
		"property type":     {{Name: "a", New: made, Schema: json.RawMessage(`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "array"}}}`)}},
		"default not valid": {{Name: "a", New: made, Schema: json.RawMessage(`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer", "minimum": 2, "default": 1}}}`)}},
		"pattern":           {{Name: "a", New: made, Schema: json.RawMessage(`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string", "pattern": "("}}}`)}},
	} {
		if _, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: stream.New(stream.Options{}), Kinds: kinds}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := publisher.NewSupervisor(publisher.SupervisorOptions{}); err == nil {
		t.Error("no registry: no error")
	}
}

// FuzzParams: whatever is taken is valid JSON that is taken again as it stands.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{`{"path":"a"}`, `{"path":"a","count":1e1}`, `{"gain":-0.0}`, `null`, `{"path":null}`, `{"a":1,"a":2}`} {
		f.Add(seed)
	}
	var got string
	stop := errors.New("enough")
	s, err := publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: stream.New(stream.Options{}),
		Kinds: []publisher.Kind{{Name: "kind", Schema: json.RawMessage(everyType), New: func(_ string, p json.RawMessage) (publisher.Source, error) {
			got = string(p)
			return nil, stop
		}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	start := func(params string) error {
		_, err := s.Start("test", publisher.Start{Source: "kind", Params: json.RawMessage(params)})
		return err
	}
	f.Fuzz(func(t *testing.T, params string) {
		if err := start(params); !errors.Is(err, stop) {
			if _, ok := errors.AsType[*publisher.ParamError](err); !ok {
				t.Fatalf("%q: %v", params, err)
			}
			return
		}
		first := got
		if err := start(first); !errors.Is(err, stop) || got != first {
			t.Errorf("%q became %q, then %q (%v)", params, first, got, err)
		}
	})
}
