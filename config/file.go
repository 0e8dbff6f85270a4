package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// longestFile in bytes.
const longestFile = 256 << 10

// file is the first layer. named is who asked for it.
func (l *loader) file(path string, named place) {
	content, err := read(path)
	if err != nil {
		l.wrong(named, "", "%s cannot be read: %v", path, err)
		return
	}
	parsed, err := parse(content)
	if err != nil {
		l.syntax(path, err)
		return
	}
	w := walker{loader: l, name: path}
	begun := false
	for _, document := range parsed.Docs {
		switch {
		case document.Body == nil:
		case begun:
			l.wrong(w.at(document.Body), "", "a second document begins here; there may be one only")
		default:
			begun = true
			w.section(document.Body, "")
		}
	}
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, e.Err
		}
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, longestFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	case len(content) > longestFile:
		return nil, fmt.Errorf("it is longer than %v", Size(longestFile))
	}
	return content, nil
}

// errParser is a fault of the parser itself.
var errParser = errors.New("it cannot be read as YAML")

// parse reads YAML. Keys may stand twice: the walker says so, with both places.
func parse(content []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil { // the parser gave up on what it was not written for
			file, err = nil, errParser
		}
	}()
	return parser.ParseBytes(content, 0, parser.AllowDuplicateMapKey())
}

// syntax says where YAML ends to be YAML. The parser's words may quote the file,
// and so a secret.
func (l *loader) syntax(path string, err error) {
	at, message := place{layer: layerFile, name: path}, err.Error()
	if e, ok := errors.AsType[yaml.Error](err); ok {
		at, message = l.in(path, e.GetToken()), e.GetMessage()
		message = regexp.MustCompile(`"[^"]{4,}"`).ReplaceAllString(message, "something")
		message = "this is no YAML: " + strings.ReplaceAll(message, "\t", `\t`)
	}
	l.wrong(at, "", "%s", message)
}

// in is the place of a token.
func (*loader) in(path string, t *token.Token) place {
	at := place{layer: layerFile, name: path}
	if t != nil && t.Position != nil {
		at.line, at.column = t.Position.Line, t.Position.Column
	}
	return at
}

// walker takes the settings out of one file.
type walker struct {
	*loader
	name string
}

func (w walker) at(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return w.at(m.Values[0].Key) // its own token is the first colon
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return w.at(m.Key)
	}
	return w.in(w.name, n.GetToken())
}

// section reads the mapping at path, "" for the whole file.
func (w walker) section(n ast.Node, path string) {
	if n.Type() == ast.NullType {
		return // all below is commented out
	}
	pairs, ok := mapping(n)
	if !ok {
		w.wrong(w.at(n), path, "want settings, such as %s, got %s", w.example(path), describe(n).kind)
		return
	}
	seen := map[string]place{}
	for _, pair := range pairs {
		name, at := pair.Key.GetToken().Value, w.at(pair.Key)
		child := strings.TrimPrefix(path+"."+name, ".")
		k, isKey := w.keys[child]
		stream := !isKey && isDeclared(path, name, pair.Value)
		known := isKey || child == pathTokens || w.isSection(child) || stream
		if !known {
			w.unknown(at, path, name)
			continue
		}
		if first, twice := seen[name]; twice {
			w.wrong(at, child, "is given twice; it stands in line %d too", first.line)
		}
		seen[name] = at
		switch {
		case isKey:
			w.value(k, pair.Value)
		case child == pathTokens:
			w.tokenList(pair.Value)
		case stream:
			w.declared(name, at, pair.Value)
		default:
			w.section(pair.Value, child)
		}
	}
}

// example is the first setting of a section.
func (w walker) example(path string) string {
	names := w.below(path)
	return names[0] + ": …"
}

func (w walker) isSection(path string) bool { return len(w.below(path)) > 0 }

// below are the names that a section may hold, in the order of the sample.
func (*loader) below(path string) []string {
	var names []string
	for _, p := range paths() {
		rest := p
		if path != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(p, path+"."); !ok {
				continue
			}
		}
		name, _, _ := strings.Cut(rest, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// unknown says which setting there is instead.
func (w walker) unknown(at place, path, name string) {
	shown := strings.TrimPrefix(path+"."+name, ".")
	if path == "access" || !regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`).MatchString(name) {
		shown = path // what stands here may be a token
	}
	switch hint := w.elsewhere(path, name); {
	case name == "<<":
		w.wrong(at, shown, "merge keys are not understood here; write the settings out")
	case hint != "":
		w.wrong(at, shown, "there is no such setting; did you mean %s?", hint)
	case path == pathStreams && checkName(name) == nil:
		w.wrong(at, shown, "there is no such setting; here may stand %s, or a stream with its source, such as %s: {source: pattern}",
			strings.Join(w.below(path), ", "), name)
	default:
		w.wrong(at, shown, "there is no such setting; here may stand %s", strings.Join(w.below(path), ", "))
	}
}

// elsewhere is a setting of nearly that name: in this section, else the only
// one in another.
func (w walker) elsewhere(path, name string) string {
	if hint := nearest(name, w.below(path)); hint != "" {
		return hint
	}
	var found []string
	for _, k := range keys() {
		last := k.path[strings.LastIndexByte(k.path, '.')+1:]
		if nearest(name, []string{last}) != "" {
			found = append(found, k.path)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return ""
}
