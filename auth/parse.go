package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	mostFile    = 1 << 20 // bytes
	fileVersion = 1
)

// A document is the state file's content.
type document struct {
	Version int     `json:"version"`
	Tokens  []entry `json:"tokens"`
}

type entry struct {
	Name    string   `json:"name"`
	Secret  string   `json:"secret"`
	Rights  []string `json:"rights"`
	Created string   `json:"created,omitempty"`
}

// parseTokens reads the state file's content. It takes nothing that it does not
// know: what a newer version wrote may restrict a token. Its errors name every
// mistake in the tokens, and quote no value, which might be a secret.
func parseTokens(text []byte) ([]Token, error) {
	var d document
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, decodeError(text, decoder, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: something follows the end of the tokens", line(text, decoder.InputOffset()))
	}
	if d.Version != fileVersion {
		return nil, fmt.Errorf(`"version" is %d: this program reads version %d`, d.Version, fileVersion)
	}
	var problems []error
	tokens := make([]Token, 0, len(d.Tokens))
	for i, e := range d.Tokens {
		t, err := e.token()
		if err != nil {
			problems = append(problems, fmt.Errorf("token %d: %w", i+1, err))
		}
		tokens = append(tokens, t)
	}
	if len(problems) == 0 {
		problems = checkAll(tokens)
	}
	if err := joined(problems); err != nil {
		return nil, err
	}
	return tokens, nil
}

func (e entry) token() (Token, error) {
	t := Token{Name: e.Name, Secret: e.Secret}
	for _, name := range e.Rights {
		a, err := ParseAction(name)
		if err != nil {
			return t, errors.New(`"rights" are some of play, publish and administer`)
		}
		t.Rights = append(t.Rights, a)
	}
	t.Rights = tidyRights(t.Rights)
	if e.Created != "" {
		created, err := time.Parse(time.RFC3339, e.Created)
		if err != nil {
			return t, errors.New(`"created" is no RFC 3339 time`)
		}
		t.Created = created.UTC()
	}
	return t, nil
}

// formatTokens is the state file for these tokens.
func formatTokens(tokens []Token) ([]byte, error) {
	d := document{Version: fileVersion, Tokens: make([]entry, 0, len(tokens))}
	for _, t := range tokens {
		e := entry{Name: t.Name, Secret: t.Secret}
		for _, a := range t.Rights {
			e.Rights = append(e.Rights, a.String())
		}
		if !t.Created.IsZero() {
			e.Created = t.Created.UTC().Format(time.RFC3339)
		}
		d.Tokens = append(d.Tokens, e)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("encode the tokens: %w", err)
	}
	if out.Len() > mostFile {
		return nil, fmt.Errorf("the tokens would take %d bytes, at most %d can be kept", out.Len(), mostFile)
	}
	return out.Bytes(), nil
}

// decodeError says where the text is wrong, without quoting it: encoding/json
// would.
func decodeError(text []byte, decoder *json.Decoder, err error) error {
	offset, what := decoder.InputOffset(), "this is not the JSON of a state file"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		offset = int64(len(text))
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = kind.Offset
		what = fmt.Sprintf("%q has the wrong type", kind.Field) // a path of our own names
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		what = "there is a field that this program does not know"
		if plain := strings.Trim(name, `"`); !strings.ContainsFunc(plain, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') }) {
			what += ": " + plain
		}
	}
	return fmt.Errorf("line %d: %s", line(text, offset), what)
}

func line(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
}

// joined is one error of all, on one line; nil where there are none.
func joined(problems []error) error {
	var all error
	for i, err := range problems {
		switch i {
		case 0:
			all = err
		case mostProblems:
			return fmt.Errorf("%w; and %d more", all, len(problems)-i)
		default:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

const mostProblems = 10 // in one error
