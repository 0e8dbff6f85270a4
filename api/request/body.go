package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"weir/internal/wish"
)

// maxBody is the longest JSON body in bytes.
const maxBody = 64 << 10

// The media types of bodies of JSON.
const (
	TypeJSON       = "application/json"
	TypeMergePatch = "application/merge-patch+json" // RFC 7396
)

// A Member is one that a JSON object may have. Into is a **string, a **bool, an **int or, for an object that somebody else reads,
// a *json.RawMessage; it is left alone where the object has no such member.
type Member struct {
	Name string
	Into any
}

// ReadObject reads a body that is one JSON object of these members, and refuses everything else by name. accept is the
// field of the answer that says which types would be taken.
func ReadObject(w http.ResponseWriter, r *http.Request, accept string, types []string, members ...Member) error {
	if err := wish.CheckType(r, accept, types...); err != nil {
		return err
	}
	body, err := wish.ReadText(w, r, maxBody, "body")
	if err != nil {
		return err
	}
	o := object{members: members}
	if err := o.read(body); err != nil {
		return err
	}
	return o.verdict()
}

// ReadInner reads a member of a body that is a JSON object of these members itself, as ReadObject does the body. What is
// wrong it names with the member's name and a dot before: "restart.attempts".
func ReadInner(name string, value json.RawMessage, members ...Member) error {
	o := object{members: members}
	if err := o.read(value); err != nil {
		return err
	}
	for _, problems := range [][]wish.Problem{o.unknown, o.wrong} {
		for i := range problems {
			problems[i].Name = name + "." + problems[i].Name
		}
	}
	return o.verdict()
}

// An object is a JSON object that is read member by member, so that all that is wrong with it is found, by name.
type object struct {
	members []Member

	seen           []string
	unknown, wrong []wish.Problem
}

func (o *object) read(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	begin, err := d.Token()
	if err != nil {
		return refuseSyntax(d, err)
	}
	if begin != json.Delim('{') {
		return refuseJSON("The body is not a JSON object.")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return refuseSyntax(d, err)
		}
		name, _ := key.(string) // what stands before a colon is nothing else
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return refuseSyntax(d, err)
		}
		again, twice := repeated(value)
		if slices.Contains(o.seen, name) {
			again, twice = name, true
		}
		if twice {
			return refuseJSON("The member " + shown(again) + " comes twice.")
		}
		if err := o.take(name, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return refuseSyntax(d, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuseJSON("Something follows the JSON object.")
	}
	return nil
}

// repeated is the first member of an object in a JSON value that comes twice there, at any depth.
func repeated(value json.RawMessage) (name string, twice bool) {
	type level struct {
		names map[string]bool // of an object; nil: a list
		key   bool            // a name is next
	}
	var levels []*level
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber() // one that no float64 holds is a number, too
	for {
		token, err := d.Token()
		if err != nil {
			return "", false
		}
		if len(levels) > 0 && levels[len(levels)-1].key && token != json.Delim('}') {
			top := levels[len(levels)-1]
			name, _ = token.(string)
			if top.names[name] {
				return name, true
			}
			top.names[name], top.key = true, false
			continue
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, &level{names: map[string]bool{}, key: true})
			continue
		case json.Delim('['):
			levels = append(levels, &level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:len(levels)-1]
		}
		if len(levels) > 0 { // a value has ended
			levels[len(levels)-1].key = levels[len(levels)-1].names != nil
		}
	}
}

// take puts the value where it belongs, or notes what is wrong with it.
func (o *object) take(name string, value json.RawMessage) error {
	at := slices.IndexFunc(o.members, func(m Member) bool { return m.Name == name })
	if at < 0 {
		if len(o.unknown) < maxProblems {
			o.unknown = append(o.unknown, wish.Problem{Name: shown(name), Detail: "is not known here"})
		}
		return nil
	}
	o.seen = append(o.seen, name)
	null := string(value) == "null"
	var want string
	switch into := o.members[at].Into.(type) {
	case **string:
		if null || json.Unmarshal(value, into) != nil {
			want = "must be a string"
		}
	case **bool:
		if null || json.Unmarshal(value, into) != nil {
			want = "must be true or false"
		}
	case **int:
		if null || json.Unmarshal(value, into) != nil {
			want = "must be a whole number"
		}
	case *json.RawMessage:
		if *into = value; value[0] != '{' {
			want = "must be an object"
		}
	default:
		return fmt.Errorf("member %s has a type that is not read", name)
	}
	if want != "" {
		o.wrong = append(o.wrong, wish.Problem{Name: name, Detail: want})
	}
	return nil
}

// verdict refuses what was noted.
func (o *object) verdict() error {
	if len(o.unknown)+len(o.wrong) == 0 {
		return nil
	}
	refusal := &wish.Refusal{
		Status: http.StatusUnprocessableEntity, Code: "field_type",
		Detail: "The body has members of the wrong type.", Remedy: "The addresses /docs and /openapi.yaml describe what there is.",
		Problems: slices.Concat(o.unknown, o.wrong),
	}
	if len(o.unknown) > 0 {
		refusal.Code, refusal.Detail = "field_unknown", "The body has members that are not known here."
		for _, m := range o.members {
			refusal.Has = append(refusal.Has, m.Name)
		}
	}
	return refusal
}

// RefuseField is the refusal of a member that is missing or has a value that cannot be.
func RefuseField(code, detail, name, what string) *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusUnprocessableEntity, Code: code, Detail: detail,
		Remedy: "The addresses /docs and /openapi.yaml describe what there is.", Problems: []wish.Problem{{Name: name, Detail: what}},
	}
}

func refuseJSON(detail string) *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusBadRequest, Code: "body_malformed", Detail: detail, Remedy: "Send one JSON object.",
	}
}

// refuseSyntax says where the JSON ends to be JSON. It quotes nothing.
func refuseSyntax(d *json.Decoder, err error) *wish.Refusal {
	at := d.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = max(at, syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return refuseJSON("The JSON ends too early.")
	}
	return refuseJSON(fmt.Sprintf("The body is not JSON from byte %d on.", at))
}
