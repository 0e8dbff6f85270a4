package params

import "strings"

// An Error says all that is wrong with parameters.
type Error struct{ Problems []Problem } // sorted by name, each name once

// A Problem is what is wrong with one parameter.
type Problem struct {
	Name   string // of the parameter; "params" for all of them together
	Detail string // what it must be, without its name: "must be a whole number from 1 to 120"
}

// Error lists the problems.
func (e *Error) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Name + " " + p.Detail
	}
	return strings.Join(texts, "; ")
}
