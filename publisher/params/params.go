package params

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// None is the schema of what has no parameters.
const None = `{"type":"object","properties":{},"additionalProperties":false}`

// allParams is the name of a problem of all parameters together.
const allParams = "params"

// safeInteger is the largest number up to which every whole one has its own float64, and so its own JSON in browsers.
const safeInteger = 1 << 53

// A Schema says which parameters there are and what each may be. It does not change; its methods may be called from any
// goroutine.
type Schema struct {
	// static after Read
	schema     *jsonschema.Schema
	properties map[string]property
	secrets    []string // sorted
}

// Read reads a JSON Schema (2020-12) of a flat object without additional properties: each property is an integer, a number, a
// string or a boolean. It fails for any keyword that cannot be told in words, for a default that is not valid, and for a secret
// that could be seen otherwise. Secrets are the names of parameters that are not told again, besides those that the schema
// marks as writeOnly.
func Read(text json.RawMessage, secrets []string) (*Schema, error) {
	var o objectSchema
	if err := decode(text, &o); err != nil {
		return nil, err
	}
	if o.Type != "object" || o.Additional == nil || *o.Additional {
		return nil, errors.New("not an object without additional properties")
	}
	for name, p := range o.Properties {
		if !slices.Contains([]string{"integer", "number", "string", "boolean"}, p.Type) {
			return nil, fmt.Errorf("%s is of type %q", name, p.Type)
		}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	const url = "weir:///params"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(url, doc); err != nil {
		return nil, err
	}
	s := &Schema{properties: o.Properties}
	if err := s.keep(secrets); err != nil {
		return nil, err
	}
	if s.schema, err = c.Compile(url); err != nil {
		return nil, err
	}
	return s, s.checkDefaults()
}

// checkDefaults returns an error unless each default is valid.
func (s *Schema) checkDefaults() error {
	_, err := s.Patch(nil, nil)
	problems, ok := errors.AsType[*Error](err)
	if err != nil && !ok {
		return err
	}
	if problems == nil {
		return nil
	}
	for _, p := range problems.Problems {
		if s.properties[p.Name].Default != nil {
			return fmt.Errorf("the default of %s %s", p.Name, p.Detail)
		}
	}
	return nil
}

// decode reads JSON with nothing unknown in it and nothing behind it.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read: there is something behind it")
	}
	return nil
}

// Patch applies a merge patch (RFC 7396) to parameters, fills in defaults and checks the result: a JSON object in which
// numbers stand in one way only. The error is an *Error. No parameter is an object, so the patch is flat.
func (s *Schema) Patch(base, patch []byte) ([]byte, error) {
	doc := map[string]any{}
	if len(base) > 0 {
		if err := decode(base, &doc); err != nil {
			return nil, fmt.Errorf("parameters so far: %w", err)
		}
	}
	if len(patch) > 0 {
		var changes map[string]any
		if err := decode(patch, &changes); err != nil {
			return nil, &Error{[]Problem{{allParams, "must be a JSON object"}}}
		}
		if changes == nil { // null: none is left
			doc = map[string]any{}
		}
		maps.Copy(doc, changes)
	}
	wrong := map[string]bool{}
	for name, value := range doc {
		if value == nil {
			delete(doc, name)
			continue
		}
		number, ok := value.(json.Number)
		if !ok {
			continue
		}
		if doc[name], ok = plain(number, s.properties[name].Type == "integer"); !ok {
			wrong[name] = true
			delete(doc, name)
		}
	}
	for name, p := range s.properties {
		if _, set := doc[name]; !set && p.Default != nil && !wrong[name] {
			doc[name] = p.Default
		}
	}
	if err := s.check(doc, wrong); err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write parameters: %w", err)
	}
	return text, nil
}

// plain is a number as it is written without fraction or exponent where it has none; false if it is too large.
func plain(n json.Number, integer bool) (json.Number, bool) {
	f, err := strconv.ParseFloat(n.String(), 64)
	switch {
	case err != nil || integer && math.Abs(f) > safeInteger:
		return "", false
	case f == math.Trunc(f) && math.Abs(f) <= safeInteger:
		return json.Number(strconv.FormatInt(int64(f), 10)), true
	default:
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), true
	}
}

// check holds the parameters against the schema. Those that are wrong already are not in doc.
func (s *Schema) check(doc map[string]any, wrong map[string]bool) error {
	details := map[string]string{}
	if err := s.schema.Validate(doc); err != nil {
		failure, ok := errors.AsType[*jsonschema.ValidationError](err)
		if !ok {
			return fmt.Errorf("check parameters: %w", err)
		}
		s.collect(failure, details)
	}
	for name := range wrong {
		details[name] = s.wanted(name)
	}
	if len(details) == 0 {
		return nil
	}
	problems := &Error{}
	for _, name := range slices.Sorted(maps.Keys(details)) {
		problems.Problems = append(problems.Problems, Problem{name, details[name]})
	}
	return problems
}

// collect goes through what the validator found and says it in our words, by parameter.
func (s *Schema) collect(e *jsonschema.ValidationError, details map[string]string) {
	switch what := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range what.Missing {
			details[name] = "is missing; it " + s.properties[name].words()
		}
	case *kind.AdditionalProperties:
		for _, name := range what.Properties {
			details[name] = s.wanted(name)
		}
	default:
		if len(e.Causes) == 0 {
			name := allParams
			if len(e.InstanceLocation) > 0 {
				name = e.InstanceLocation[0]
			}
			details[name] = s.wanted(name)
		}
	}
	for _, cause := range e.Causes {
		s.collect(cause, details)
	}
}

// wanted says what a parameter must be, or which there are.
func (s *Schema) wanted(name string) string {
	p, known := s.properties[name]
	switch {
	case known:
		return p.words()
	case name == allParams:
		return "must be a JSON object"
	case len(s.properties) == 0:
		return "is not known; this kind of source has no parameters"
	default:
		return "is not known; this kind of source has " + strings.Join(slices.Sorted(maps.Keys(s.properties)), ", ")
	}
}
