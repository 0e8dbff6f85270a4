package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// prefix begins every variable that is ours.
const prefix = "WEIR_"

// variableConfig names the file.
const variableConfig = "WEIR_CONFIG"

// fixedToken is a variable that holds a token.
type fixedToken struct{ variable, name, right string }

func fixedTokens() []fixedToken {
	return []fixedToken{
		{"WEIR_ADMIN_TOKEN", "admin", rightAdminister},
		{"WEIR_PUBLISH_TOKEN", "publish", rightPublish},
		{"WEIR_PLAY_TOKEN", "play", rightPlay},
	}
}

// environment is the variables by name. One that is set to nothing counts as
// not set: that is what compose files and unit files make of one that is not.
func environment(environ []string) map[string]string {
	all := map[string]string{}
	for _, line := range environ {
		if name, text, ok := strings.Cut(line, "="); ok {
			all[name] = text
		}
	}
	maps.DeleteFunc(all, func(_, text string) bool { return text == "" })
	return all
}

// variables is the layer between file and flags.
func (l *loader) variables() {
	byName := map[string]key{}
	for _, k := range l.keys {
		byName[k.variable()] = k
	}
	for _, name := range slices.Sorted(maps.Keys(l.environ)) {
		if !strings.HasPrefix(name, prefix) || name == variableConfig {
			continue
		}
		at := place{layer: layerEnvironment, name: name}
		text := l.environ[name]
		if k, ok := byName[name]; ok {
			l.assign(k, at, split(k, at, text)...)
			continue
		}
		if i := slices.IndexFunc(fixedTokens(), func(f fixedToken) bool { return f.variable == name }); i >= 0 {
			l.fixToken(fixedTokens()[i], at, text)
			continue
		}
		l.unknownVariable(at, byName)
	}
}

// split takes the text of a list apart at its commas.
func split(k key, at place, text string) []value {
	parts := []string{text}
	if k.list {
		parts = strings.Split(text, ",")
	}
	values := make([]value, len(parts))
	for i, part := range parts {
		part = strings.TrimSpace(part)
		values[i] = value{text: part, at: at, got: got{"a text", clip(part)}}
	}
	return values
}

func (l *loader) unknownVariable(at place, byName map[string]key) {
	known := append(slices.Sorted(maps.Keys(byName)), variableConfig)
	for _, f := range fixedTokens() {
		known = append(known, f.variable)
	}
	switch hint := nearest(at.name, known); {
	case at.name == variable(pathTokens):
		l.wrong(at, "", "is no variable: tokens stand in the file, in WEIR_ADMIN_TOKEN, WEIR_PUBLISH_TOKEN and WEIR_PLAY_TOKEN, or are made by weir token add")
	case hint != "":
		l.wrong(at, "", "is no variable of Weir; did you mean %s?", hint)
	default:
		l.wrong(at, "", "is no variable of Weir; weir config show lists the settings, and http.addr is WEIR_HTTP_ADDR")
	}
}

// findState takes the state directory from the variables that are not ours,
// where no setting names one: systemd's, else the XDG base directories'.
func (l *loader) findState() {
	if l.config.State.Dir != "" {
		return
	}
	take := func(name, dir string) bool {
		if !filepath.IsAbs(dir) {
			return false
		}
		l.config.State.Dir = dir
		l.origins["state.dir"] = place{layer: layerEnvironment, name: name}
		return true
	}
	first, _, _ := strings.Cut(l.environ["STATE_DIRECTORY"], ":")
	if take("STATE_DIRECTORY", first) {
		return
	}
	if take("XDG_STATE_HOME", filepath.Join(l.environ["XDG_STATE_HOME"], "weir")) {
		return
	}
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if take(name, filepath.Join(l.environ[name], ".local", "state", "weir")) {
			return
		}
	}
}
