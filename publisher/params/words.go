package params

import (
	"encoding/json"
	"fmt"
	"strings"
)

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
