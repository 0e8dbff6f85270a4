package publisher

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

// noParams is the schema of a kind that has none.
const noParams = `{"type":"object","properties":{},"additionalProperties":false}`

// allParams is the name of a problem of all parameters together.
const allParams = "params"

// safeInteger is the largest number up to which every whole one has its own float64, and so its own JSON in browsers.
const safeInteger = 1 << 53

// A checkedKind is a kind whose schema was read.
type checkedKind struct {
	Kind

	// static after checkKind
	schema     *jsonschema.Schema
	properties map[string]property
}

// A property is what a kind's schema says of one parameter, as far as it is told to people or filled in.
type property struct {
	Type       string      `json:"type"`
	Default    any         `json:"default"`
	Minimum    json.Number `json:"minimum"`
	Maximum    json.Number `json:"maximum"`
	MultipleOf json.Number `json:"multipleOf"`
	Enum       []any       `json:"enum"`
	MinLength  json.Number `json:"minLength"`
	MaxLength  json.Number `json:"maxLength"`
	Pattern    string      `json:"pattern"`
	Unit       string      `json:"x-unit"`
	WriteOnly  bool        `json:"writeOnly"`

	// told by pages, not here
	Title       string `json:"title"`
	Description string `json:"description"`
}

// objectSchema is a kind's schema: there is no keyword besides these, so that each can be told in words.
type objectSchema struct {
	Schema     string              `json:"$schema"`
	Type       string              `json:"type"`
	Title      string              `json:"title"`
	Text       string              `json:"description"`
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required"`
	Additional *bool               `json:"additionalProperties"`
}

// checkKind reads a kind's schema.
func checkKind(k Kind) (*checkedKind, error) {
	if k.Name == "" || k.New == nil && k.Missing == nil {
		return nil, errors.New("it needs a name, and New or a reason why it is missing")
	}
	if len(k.Schema) == 0 {
		k.Schema = json.RawMessage(noParams)
	}
	var o objectSchema
	if err := decode(k.Schema, &o); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if o.Type != "object" || o.Additional == nil || *o.Additional {
		return nil, errors.New("schema: not an object without additional properties")
	}
	for name, p := range o.Properties {
		if !slices.Contains([]string{"integer", "number", "string", "boolean"}, p.Type) {
			return nil, fmt.Errorf("schema: %s is of type %q", name, p.Type)
		}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(k.Schema))
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	const url = "weir:///params"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	checked := &checkedKind{Kind: k, properties: o.Properties}
	if err := checked.checkSecrets(); err != nil {
		return nil, err
	}
	if checked.schema, err = c.Compile(url); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return checked, checked.checkDefaults()
}

// checkDefaults returns an error unless each default is valid.
func (k *checkedKind) checkDefaults() error {
	_, err := k.params(nil, nil)
	problems, ok := errors.AsType[*ParamError](err)
	if err != nil && !ok {
		return err
	}
	if problems == nil {
		return nil
	}
	for _, p := range problems.Problems {
		if k.properties[p.Name].Default != nil {
			return fmt.Errorf("schema: the default of %s %s", p.Name, p.Detail)
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

// params applies a merge patch (RFC 7396) to parameters, fills in defaults and checks the result: a JSON object in which
// numbers stand in one way only. The error is a *ParamError. No parameter is an object, so the patch is flat.
func (k *checkedKind) params(base, patch []byte) ([]byte, error) {
	doc := map[string]any{}
	if len(base) > 0 {
		if err := decode(base, &doc); err != nil {
			return nil, fmt.Errorf("parameters so far: %w", err)
		}
	}
	if len(patch) > 0 {
		var changes map[string]any
		if err := decode(patch, &changes); err != nil {
			return nil, &ParamError{[]ParamProblem{{allParams, "must be a JSON object"}}}
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
		if doc[name], ok = plain(number, k.properties[name].Type == "integer"); !ok {
			wrong[name] = true
			delete(doc, name)
		}
	}
	for name, p := range k.properties {
		if _, set := doc[name]; !set && p.Default != nil && !wrong[name] {
			doc[name] = p.Default
		}
	}
	if err := k.check(doc, wrong); err != nil {
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
func (k *checkedKind) check(doc map[string]any, wrong map[string]bool) error {
	details := map[string]string{}
	if err := k.schema.Validate(doc); err != nil {
		failure, ok := errors.AsType[*jsonschema.ValidationError](err)
		if !ok {
			return fmt.Errorf("check parameters: %w", err)
		}
		k.collect(failure, details)
	}
	for name := range wrong {
		details[name] = k.wanted(name)
	}
	if len(details) == 0 {
		return nil
	}
	problems := &ParamError{}
	for _, name := range slices.Sorted(maps.Keys(details)) {
		problems.Problems = append(problems.Problems, ParamProblem{name, details[name]})
	}
	return problems
}

// collect goes through what the validator found and says it in our words, by parameter.
func (k *checkedKind) collect(e *jsonschema.ValidationError, details map[string]string) {
	switch what := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range what.Missing {
			details[name] = "is missing; it " + k.properties[name].words()
		}
	case *kind.AdditionalProperties:
		for _, name := range what.Properties {
			details[name] = k.wanted(name)
		}
	default:
		if len(e.Causes) == 0 {
			name := allParams
			if len(e.InstanceLocation) > 0 {
				name = e.InstanceLocation[0]
			}
			details[name] = k.wanted(name)
		}
	}
	for _, cause := range e.Causes {
		k.collect(cause, details)
	}
}

// wanted says what a parameter must be, or which there are.
func (k *checkedKind) wanted(name string) string {
	p, known := k.properties[name]
	switch {
	case known:
		return p.words()
	case name == allParams:
		return "must be a JSON object"
	case len(k.properties) == 0:
		return "is not known; this kind of source has no parameters"
	default:
		return "is not known; this kind of source has " + strings.Join(slices.Sorted(maps.Keys(k.properties)), ", ")
	}
}

// words say what a value must be: "must be an even whole number from 160 to 4096 px".
func (p property) words() string {
	if len(p.Enum) > 0 {
		values := make([]string, len(p.Enum))
		for i, v := range p.Enum {
			values[i] = fmt.Sprint(v)
		}
		return "must be one of " + strings.Join(values, ", ")
	}
	switch p.Type {
	case "boolean":
		return "must be true or false"
	case "string":
		text := "must be text" + limits(p.MinLength, p.MaxLength, "characters")
		if p.Pattern != "" {
			text += " that matches " + p.Pattern
		}
		return text
	default:
		return "must be " + p.number() + limits(p.Minimum, p.Maximum, p.Unit)
	}
}

// number says what kind of number a value must be.
func (p property) number() string {
	what := "a number"
	if p.Type == "integer" {
		what = "a whole number"
	}
	switch p.MultipleOf {
	case "", "1":
		return what
	case "2":
		return "an even whole number"
	default:
		return what + " that is a multiple of " + p.MultipleOf.String()
	}
}

// limits says between which values something must lie; "" for none.
func limits(least, most json.Number, unit string) string {
	if unit != "" {
		unit = " " + unit
	}
	switch {
	case least != "" && most != "":
		return fmt.Sprintf(" from %s to %s%s", least, most, unit)
	case least != "":
		return fmt.Sprintf(" of at least %s%s", least, unit)
	case most != "":
		return fmt.Sprintf(" of at most %s%s", most, unit)
	default:
		return ""
	}
}
