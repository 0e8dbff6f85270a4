package config

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Input is what Load puts together.
type Input struct {
	File    string   // of YAML, as -config names it; "" is what WEIR_CONFIG names, or none
	Environ []string // NAME=value, as os.Environ has it
	Flags   []Flag   // in the order given
	// Checks are asked besides of each text of the setting with that path, for
	// what this package knows nothing of. Their errors say what is wanted and
	// must not repeat a secret.
	Checks map[string]func(text string) error
}

// A Flag is a setting given on the command line.
type Flag struct {
	Name  string // "-addr"
	Path  string // of the setting: "http.addr"
	Value string // several flags of a list make one list
}

// Loaded is a configuration without mistakes, or what is right of one with some.
type Loaded struct {
	Config Config
	File   string // that was read, "" for none

	origins map[string]place
}

// Origin is where the setting with this path comes from: "weir.yaml:12:5",
// "WEIR_HTTP_ADDR", "-addr" or "default".
func (l *Loaded) Origin(path string) string { return l.origins[path].String() }

// Load puts the layers together. Its error is Mistakes: all there are. Beside
// them it returns what is right, for who knows more to look for more: nothing
// may be run by it.
func Load(in Input) (*Loaded, error) {
	l := &loader{
		config: Default(), origins: map[string]place{}, checks: in.Checks,
		keys: map[string]key{}, environ: environment(in.Environ),
	}
	for _, k := range keys() {
		l.keys[k.path] = k
	}
	file, named := in.File, place{layer: layerFlags, name: "-config"}
	if file == "" {
		file, named = l.environ[variableConfig], place{layer: layerEnvironment, name: variableConfig}
	}
	if file != "" {
		l.file(file, named)
	}
	l.variables()
	l.flags(in.Flags)
	l.compareTokens()
	l.findState()
	return &Loaded{Config: l.config, File: file, origins: l.origins}, l.mistakes.Err()
}

// Validate returns all that is wrong with c as Mistakes, each with its path.
// What Load returns is valid.
func (c *Config) Validate() error {
	var mistakes Mistakes
	for _, k := range keys() {
		for i, text := range k.texts(c) {
			if err := k.check(text); err != nil {
				mistakes = append(mistakes, &Mistake{Path: k.at(i), Detail: detail(err, got{text: clip(text)}, k.secret)})
			}
		}
	}
	mistakes = append(mistakes, validateTokens(c.Access.Tokens)...)
	return mistakes.Err()
}

// loader is the work of one Load.
type loader struct {
	// static after Load began
	keys    map[string]key
	checks  map[string]func(string) error
	environ map[string]string

	config   Config
	origins  map[string]place // by path, of what is no default
	tokens   []placedToken
	mistakes Mistakes
}

// A value is one text and where it stands.
type value struct {
	text string
	at   place
	got  got
	err  error // what is wrong with its type
}

// got is what stands where something else is wanted.
type got struct {
	kind string // "a text", "a list"
	text string // the value, as a message shows it; "" for none to tell
}

func (l *loader) wrong(at place, path, format string, args ...any) {
	l.mistakes = append(l.mistakes, at.mistake(path, fmt.Sprintf(format, args...)))
}

// at is the path of the value with this index.
func (k key) at(i int) string {
	if k.list {
		return fmt.Sprintf("%s[%d]", k.path, i)
	}
	return k.path
}

// assign sets k from one value, or from all those of a list, as far as they are
// right. A setting with none that is right stays as it was.
func (l *loader) assign(k key, at place, values ...value) {
	var texts []string
	for i, v := range values {
		if err := l.check(k, v); err != nil {
			l.wrong(v.at, k.at(i), "%s", detail(err, v.got, k.secret))
			continue
		}
		texts = append(texts, v.text)
	}
	if k.list || len(texts) > 0 {
		k.set(&l.config, texts)
		l.origins[k.path] = at
	}
}

func (l *loader) check(k key, v value) error {
	if err := k.check(v.text); err != nil {
		return err
	}
	if v.err != nil {
		return v.err
	}
	if check := l.checks[k.path]; check != nil {
		return check(v.text)
	}
	return nil
}

// detail says what is wanted and what stands there, which is not repeated of a
// secret.
func detail(err error, g got, secret bool) string {
	switch {
	case g.text == "":
		return err.Error() + ", got " + g.kind
	case secret:
		return err.Error()
	default:
		return err.Error() + ", got " + g.text
	}
}

// clip is the text in quotes, shortened.
func clip(s string) string { return strconv.Quote(short(s)) }

func short(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return s
}

// flags is the last layer.
func (l *loader) flags(flags []Flag) {
	lists := map[string][]value{}
	var order []string
	for _, f := range flags {
		k, known := l.keys[f.Path]
		at := place{layer: layerFlags, name: f.Name}
		v := value{text: f.Value, at: at, got: got{"a text", clip(f.Value)}}
		switch {
		case !known:
			l.wrong(at, "", "is for no setting")
		case k.list:
			if lists[f.Path] = append(lists[f.Path], v); !slices.Contains(order, f.Path) {
				order = append(order, f.Path)
			}
		default:
			l.assign(k, at, v)
		}
	}
	for _, path := range order {
		l.assign(l.keys[path], lists[path][0].at, lists[path]...)
	}
}
