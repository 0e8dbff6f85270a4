package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// pathStreams is the section that also holds the declared streams, by name.
const pathStreams = "streams"

// A Declared is a stream with a source of the server's own, which runs from the
// start on, or one that others publish; either may be pushed to other servers.
type Declared struct {
	Stream    string
	Source    string                     // the kind's name; "": others publish it
	Params    map[string]json.RawMessage // each a text, a number, true or false; may hold secrets
	Private   *bool                      // nil: as the kind says
	OnDemand  bool
	StopAfter *time.Duration // nil: the default
	Restart   DeclaredRestart
	Pushes    []DeclaredPush
}

// A DeclaredRestart is how a source that fails is started again; nil: as its
// kind says.
type DeclaredRestart struct {
	Attempts       *int
	Delay, Longest *time.Duration
}

// String hides the parameters and the pushes.
func (d Declared) String() string { return d.Stream + ": " + d.Source }

// GoString hides the same.
func (d Declared) GoString() string { return d.String() }

// declaredKey is one setting of a declared stream.
type declaredKey struct {
	name string
	read func(w walker, path string, n ast.Node, d *Declared)
}

func declaredKeys() []declaredKey {
	return []declaredKey{
		{"source", func(w walker, path string, n ast.Node, d *Declared) {
			w.one(text(path, checkName, func(*Config) *string { return &d.Source }), n)
		}},
		{"params", func(w walker, path string, n ast.Node, d *Declared) { w.params(path, n, d) }},
		{"private", func(w walker, path string, n ast.Node, d *Declared) {
			d.Private = new(false)
			w.one(boolean(path, func(*Config) *bool { return d.Private }), n)
		}},
		{"on_demand", func(w walker, path string, n ast.Node, d *Declared) {
			w.one(boolean(path, func(*Config) *bool { return &d.OnDemand }), n)
		}},
		{"stop_after", func(w walker, path string, n ast.Node, d *Declared) {
			d.StopAfter = new(time.Duration(0))
			w.one(duration(path, 0, 24*time.Hour, func(*Config) *time.Duration { return d.StopAfter }), n)
		}},
		{"restart", func(w walker, path string, n ast.Node, d *Declared) { w.fields(path, n, restartKeys(), d) }},
		{namePushes, func(w walker, path string, n ast.Node, d *Declared) { w.pushes(path, n, d) }},
	}
}

func restartKeys() []declaredKey {
	const least, most = 100 * time.Millisecond, time.Hour
	return []declaredKey{
		{"attempts", func(w walker, path string, n ast.Node, d *Declared) {
			d.Restart.Attempts = new(0)
			w.one(count(path, 1_000_000, func(*Config) *int { return d.Restart.Attempts }), n)
		}},
		{"delay", func(w walker, path string, n ast.Node, d *Declared) {
			d.Restart.Delay = new(time.Duration(0))
			w.one(duration(path, least, most, func(*Config) *time.Duration { return d.Restart.Delay }), n)
		}},
		{"longest", func(w walker, path string, n ast.Node, d *Declared) {
			d.Restart.Longest = new(time.Duration(0))
			w.one(duration(path, least, most, func(*Config) *time.Duration { return d.Restart.Longest }), n)
		}},
	}
}

// count is a whole number from 0 to most.
func count(path string, most int, at func(*Config) *int) key {
	k := number(path, most, at)
	k.check = func(text string) error {
		if n, err := strconv.Atoi(text); err != nil || n < 0 || n > most {
			return want("a whole number from 0 to %d", most)
		}
		return nil
	}
	return k
}

// isDeclared says whether a name in the section of streams is to be a stream's:
// what stands under it is a mapping, and there is no such setting.
func isDeclared(path, name string, n ast.Node) bool {
	_, ok := mapping(n)
	return path == pathStreams && ok && name != "<<"
}

// declared reads one stream and keeps it if there is a source, with what is
// right of it.
func (w walker) declared(name string, at place, n ast.Node) {
	path := pathStreams + "." + name
	if err := checkName(name); err != nil {
		w.wrong(at, pathStreams, "%s is no name that a stream can have: %v", clip(name), err)
	}
	before := len(w.mistakes)
	d := Declared{Stream: name}
	w.origins[path] = at
	w.fields(path, n, declaredKeys(), &d)
	if d.Source == "" && !d.onlyPushes() {
		if len(w.mistakes) == before {
			w.wrong(at, path, "source is missing: the kind of source that feeds it, such as source: pattern")
		}
		return
	}
	w.config.Streams.Declared = append(w.config.Streams.Declared, d)
}

// fields reads a mapping of these settings.
func (w walker) fields(path string, n ast.Node, keys []declaredKey, d *Declared) {
	pairs, ok := mapping(n)
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	if !ok {
		w.wrong(w.at(n), path, "want settings, such as %s: …, got %s", names[0], describe(n).kind)
		return
	}
	if _, ok := w.origins[path]; !ok {
		w.origins[path] = w.at(n)
	}
	seen := map[string]place{}
	for _, pair := range pairs {
		name, at := pair.Key.GetToken().Value, w.at(pair.Key)
		i := slices.Index(names, name)
		if i < 0 {
			w.unknownAmong(at, path, name, names)
			continue
		}
		if first, twice := seen[name]; twice {
			w.wrong(at, path+"."+name, "is given twice; it stands in line %d too", first.line)
		}
		seen[name] = at
		keys[i].read(w, path+"."+name, pair.Value, d)
	}
}

// unknownAmong says which there are. It does not repeat the name.
func (w walker) unknownAmong(at place, path, name string, names []string) {
	if hint := nearest(name, names); hint != "" {
		w.wrong(at, path, "there is no such setting; did you mean %s?", hint)
		return
	}
	w.wrong(at, path, "there is no such setting; here may stand %s", strings.Join(names, ", "))
}

// one sets a setting that is no list.
func (w walker) one(k key, n ast.Node) { w.assign(k, w.at(n), w.scalar(k, n)) }

// params reads the parameters of a source. What they must be, only their kind
// knows; no mistake repeats a value.
func (w walker) params(path string, n ast.Node, d *Declared) {
	w.origins[path] = w.at(n)
	pairs, ok := mapping(n)
	if !ok {
		w.wrong(w.at(n), path, "want parameters, such as width: 640, got %s", describe(n).kind)
		return
	}
	d.Params = map[string]json.RawMessage{}
	for _, pair := range pairs {
		name, at := pair.Key.GetToken().Value, w.at(pair.Key)
		if checkName(name) != nil {
			w.wrong(at, path, "want the name of a parameter")
			continue
		}
		child := path + "." + name
		if _, twice := d.Params[name]; twice {
			w.wrong(at, child, "is given twice; it stands in line %d too", w.origins[child].line)
		}
		value, ok := plainJSON(pair.Value)
		if !ok {
			w.wrong(w.at(pair.Value), child, "want a text, a number, true or false, got %s", describe(pair.Value).kind)
		}
		d.Params[name], w.origins[child] = value, w.at(pair.Value)
	}
}

// plainJSON is a text, a number, true or false as JSON.
func plainJSON(n ast.Node) (json.RawMessage, bool) {
	var value any
	switch n := n.(type) {
	case *ast.StringNode:
		value = n.Value
	case *ast.LiteralNode:
		value = n.Value.Value
	case *ast.IntegerNode:
		value = n.Value
	case *ast.FloatNode:
		value = n.Value
	case *ast.BoolNode:
		value = n.Value
	default:
		return nil, false
	}
	written, err := json.Marshal(value)
	return written, err == nil
}

// Wrong is a mistake with the setting of this path, which the file gives, or with
// the nearest one around it. Detail must not repeat a secret.
func (l *Loaded) Wrong(path, detail string) *Mistake {
	for at := path; at != ""; at = at[:max(strings.LastIndexByte(at, '.'), 0)] {
		if place, ok := l.origins[at]; ok {
			return place.mistake(path, detail)
		}
	}
	return &Mistake{Path: path, Detail: detail}
}

// showDeclared writes the declared streams. Their texts may be secret and are
// masked.
func (l *Loaded) showDeclared(b *strings.Builder) {
	for _, d := range l.Config.Streams.Declared {
		fmt.Fprintf(b, "  %s: # %s\n", d.Stream, l.Origin(pathStreams+"."+d.Stream))
		if d.Source != "" {
			fmt.Fprintf(b, "    source: %q\n", d.Source)
		}
		if len(d.Params) > 0 {
			var parts []string
			for _, name := range slices.Sorted(maps.Keys(d.Params)) {
				value := string(d.Params[name])
				if strings.HasPrefix(value, `"`) {
					value = `"` + masked + `"`
				}
				parts = append(parts, name+": "+value)
			}
			fmt.Fprintf(b, "    params: {%s}\n", strings.Join(parts, ", "))
		}
		d.showPolicy(b)
		d.showPushes(b)
	}
}

func (d Declared) showPolicy(b *strings.Builder) {
	if d.Private != nil {
		fmt.Fprintf(b, "    private: %t\n", *d.Private)
	}
	if d.OnDemand {
		b.WriteString("    on_demand: true\n")
	}
	if d.StopAfter != nil {
		fmt.Fprintf(b, "    stop_after: %q\n", shortDuration(*d.StopAfter))
	}
	var parts []string
	if d.Restart.Attempts != nil {
		parts = append(parts, fmt.Sprintf("attempts: %d", *d.Restart.Attempts))
	}
	if d.Restart.Delay != nil {
		parts = append(parts, fmt.Sprintf("delay: %q", shortDuration(*d.Restart.Delay)))
	}
	if d.Restart.Longest != nil {
		parts = append(parts, fmt.Sprintf("longest: %q", shortDuration(*d.Restart.Longest)))
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "    restart: {%s}\n", strings.Join(parts, ", "))
	}
}
