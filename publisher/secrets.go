package publisher

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// veil stands where a secret was.
const veil = "…"

// checkSecrets adds to the kind's secrets the parameters that the schema marks as writeOnly, and returns an error for one
// that could be seen otherwise.
func (k *checkedKind) checkSecrets() error {
	names := slices.Clone(k.Secrets)
	for name, p := range k.properties {
		if p.WriteOnly {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	k.Secrets = slices.Compact(names)
	for _, name := range k.Secrets {
		switch p, known := k.properties[name]; {
		case !known:
			return errors.New("schema: there is no " + name + " to be kept secret")
		case p.Type != "string" || p.Default != nil || len(p.Enum) > 0:
			return errors.New("schema: the secret " + name + " must be a string without default or enum")
		}
	}
	return nil
}

// shown are the parameters without the secret ones.
func (k *checkedKind) shown(params []byte) json.RawMessage {
	if len(k.Secrets) == 0 {
		return slices.Clone(params)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(params, &doc); err != nil {
		return nil // never: they were checked
	}
	for _, name := range k.Secrets {
		delete(doc, name)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil // never: they were JSON
	}
	return text
}

// veiled is the error with a veil over what is secret among the parameters, should its text hold any of it.
func (k *checkedKind) veiled(err error, params []byte) error {
	if err == nil || len(k.Secrets) == 0 {
		return err
	}
	var doc map[string]any
	if json.Unmarshal(params, &doc) != nil {
		return err // never: they were checked
	}
	var pairs []string
	for _, name := range k.Secrets {
		if value, _ := doc[name].(string); value != "" {
			pairs = append(pairs, value, veil, url.QueryEscape(value), veil, url.PathEscape(value), veil)
		}
	}
	over := strings.NewReplacer(pairs...)
	if problems, ok := errors.AsType[*ParamError](err); ok {
		clean := &ParamError{slices.Clone(problems.Problems)}
		for i := range clean.Problems {
			clean.Problems[i].Detail = over.Replace(clean.Problems[i].Detail)
		}
		return clean
	}
	if text := over.Replace(err.Error()); text != err.Error() {
		return &veiledError{text, err}
	}
	return err
}

// A veiledError is the same error in other words.
type veiledError struct {
	text string
	err  error
}

func (e *veiledError) Error() string { return e.text }

// Is looks behind the veil; there is no Unwrap that would lift it.
func (e *veiledError) Is(target error) bool { return errors.Is(e.err, target) }

// FailureReason implements Reasoner.
func (e *veiledError) FailureReason() string { return reasonOf(e.err, "") }
