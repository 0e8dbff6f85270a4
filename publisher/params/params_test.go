package params_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/publisher/params"
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

// given is what becomes of parameters, or the problems.
func given(t *testing.T, schema, text string) (string, map[string]string) {
	t.Helper()
	s, err := params.Read(json.RawMessage(schema), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Patch(nil, []byte(text))
	if err == nil {
		return string(got), nil
	}
	failure, ok := errors.AsType[*params.Error](err)
	if !ok {
		t.Fatalf("%s: %v", text, err)
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
	if got, problems := given(t, params.None, ``); got != `{}` || problems != nil {
		t.Errorf("got %s, %v", got, problems)
	}
	_, problems := given(t, params.None, `{"a": 1}`)
	if diff := cmp.Diff(map[string]string{"a": "is not known; this kind of source has no parameters"}, problems); diff != "" {
		t.Error(diff)
	}
}

func TestBadSchemas(t *testing.T) {
	for name, schema := range map[string]string{
		"no schema":         `[`,
		"open":              `{"type": "object", "properties": {}}`,
		"keyword":           `{"type": "object", "additionalProperties": false, "oneOf": []}`,
		"property keyword":  `{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer", "$ref": "file:///etc/passwd"}}}`,
		"property type":     `{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "array"}}}`,
		"default not valid": `{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer", "minimum": 2, "default": 1}}}`,
		"pattern":           `{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string", "pattern": "("}}}`,
	} {
		if _, err := params.Read(json.RawMessage(schema), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A patch changes what it names and no more.
func TestPatch(t *testing.T) {
	s, err := params.Read(json.RawMessage(everyType), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Patch([]byte(`{"path":"a","count":5,"mode":"fast"}`), []byte(`{"path":"b","mode":null}`))
	if want := `{"count":5,"even":16,"gain":0.5,"loop":true,"mode":"good","path":"b"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestSecrets(t *testing.T) {
	s, err := params.Read(json.RawMessage(secretSchema), []string{"token"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"key", "token"}, s.Secrets()); diff != "" {
		t.Error(diff)
	}
	whole := []byte(`{"key":"a/b","token":"","url":"u"}`)
	if got := string(s.Shown(whole)); got != `{"url":"u"}` {
		t.Errorf("shown: %s", got)
	}
	if got, want := s.Veil(whole)("a/b at u?a%2Fb"), "… at u?…"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

const secretSchema = `{"type":"object","additionalProperties":false,"required":["url"],"properties":{
	"url":{"type":"string"},"token":{"type":"string"},"key":{"type":"string","writeOnly":true}}}`

func TestBadSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		schema  string
		secrets []string
	}{
		"unknown":       {secretSchema, []string{"password"}},
		"number":        {`{"type":"object","additionalProperties":false,"properties":{"n":{"type":"integer","default":1,"maximum":9}}}`, []string{"n"}},
		"with default":  {`{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string","default":"x","writeOnly":true}}}`, nil},
		"enum of words": {`{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string","enum":["x"],"writeOnly":true}}}`, nil},
	} {
		if _, err := params.Read(json.RawMessage(c.schema), c.secrets); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzParams: whatever is taken is valid JSON that is taken again as it stands.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{`{"path":"a"}`, `{"path":"a","count":1e1}`, `{"gain":-0.0}`, `null`, `{"path":null}`, `{"a":1,"a":2}`} {
		f.Add(seed)
	}
	s, err := params.Read(json.RawMessage(everyType), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := s.Patch(nil, []byte(text))
		if err != nil {
			if _, ok := errors.AsType[*params.Error](err); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again, err := s.Patch(nil, first); err != nil || string(again) != string(first) {
			t.Errorf("%q became %q, then %q (%v)", text, first, again, err)
		}
	})
}
