package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Mistake is one thing that is wrong with a configuration.
type Mistake struct { //nolint:errname // named for what it is to the operator
	Place  string // "weir.yaml:12:5", "WEIR_LIMITS_SESSIONS", "-addr"; "" where there is only a Config
	Path   string // "limits.sessions"; "" where Place says it
	Detail string // what is wrong and what to write instead

	layer, line, column int // to sort by
}

// Error is the mistake in one line.
func (m *Mistake) Error() string {
	parts := slices.DeleteFunc([]string{m.Place, m.Path, m.Detail}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Mistakes are all that is wrong, in the order of the file, then of the
// environment, then of the flags.
type Mistakes []*Mistake //nolint:errname // as Mistake

// Error has one line a mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, mistake := range m {
		lines[i] = mistake.Error()
	}
	return strings.Join(lines, "\n")
}

// Flags tells whether a flag is among the places.
func (m Mistakes) Flags() bool {
	return slices.ContainsFunc(m, func(m *Mistake) bool { return m.layer == layerFlags })
}

// With adds what others have found, but for what is said already of a place or of
// a setting.
func (m Mistakes) With(more Mistakes) Mistakes {
	all := slices.Clone(m)
	for _, found := range more {
		if !slices.ContainsFunc(m, func(said *Mistake) bool {
			return said.Place == found.Place || said.Path != "" && said.Path == found.Path
		}) {
			all = append(all, found)
		}
	}
	return all
}

// Err is nil where there are none, else the mistakes in their order.
func (m Mistakes) Err() error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b *Mistake) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	return m
}

// The layers, each over the ones before.
const (
	layerDefault = iota
	layerFile
	layerEnvironment
	layerFlags
)

// A place is where a value stands.
type place struct {
	layer        int
	name         string // of the file, the variable or the flag
	line, column int    // in a file
}

func (p place) String() string {
	switch {
	case p.layer == layerDefault:
		return "default"
	case p.line > 0:
		return fmt.Sprintf("%s:%d:%d", p.name, p.line, p.column)
	default:
		return p.name
	}
}

// mistake makes one at this place. Only in a file a path is told besides.
func (p place) mistake(path, detail string) *Mistake {
	m := &Mistake{Place: p.String(), Detail: detail, layer: p.layer, line: p.line, column: p.column}
	if p.layer == layerFile {
		m.Path = path
	}
	return m
}

// errWant begins what is said of a value that is not what it must be.
var errWant = errors.New("want")

func want(format string, args ...any) error {
	return fmt.Errorf("%w "+format, append([]any{errWant}, args...)...)
}
