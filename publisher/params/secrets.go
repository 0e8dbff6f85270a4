package params

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// veil stands where a secret was.
const veil = "…"

// keep keeps the parameters of these names secret and those that the schema marks as writeOnly. It returns an error for one
// that could be seen otherwise.
func (s *Schema) keep(secrets []string) error {
	names := slices.Clone(secrets)
	for name, p := range s.properties {
		if p.WriteOnly {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	s.secrets = slices.Compact(names)
	for _, name := range s.secrets {
		switch p, known := s.properties[name]; {
		case !known:
			return errors.New("there is no " + name + " to be kept secret")
		case p.Type != "string" || p.Default != nil || len(p.Enum) > 0:
			return errors.New("the secret " + name + " must be a string without default or enum")
		}
	}
	return nil
}

// Secrets are the names of the parameters that are secret, sorted.
func (s *Schema) Secrets() []string { return slices.Clone(s.secrets) }

// Shown are parameters that are valid by the schema, without the secret ones.
func (s *Schema) Shown(params []byte) json.RawMessage {
	if len(s.secrets) == 0 {
		return slices.Clone(params)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(params, &doc); err != nil {
		return nil // never: they were checked
	}
	for _, name := range s.secrets {
		delete(doc, name)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil // never: they were JSON
	}
	return text
}

// Veil returns what puts a veil over the secret ones among parameters, wherever a text holds them: as they are, or as a URL
// does. Nil: there is nothing to hide.
func (s *Schema) Veil(params []byte) func(text string) string {
	var doc map[string]any
	if len(s.secrets) == 0 || json.Unmarshal(params, &doc) != nil { // the latter never: they were checked
		return nil
	}
	var pairs []string
	for _, name := range s.secrets {
		if value, _ := doc[name].(string); value != "" {
			pairs = append(pairs, value, veil, url.QueryEscape(value), veil, url.PathEscape(value), veil)
		}
	}
	return strings.NewReplacer(pairs...).Replace
}
