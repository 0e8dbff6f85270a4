package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Show is the effective configuration as YAML, each value with a comment that
// says where it comes from. Tokens and the users of TURN servers are masked.
func (l *Loaded) Show() string {
	var b strings.Builder
	section := ""
	line := func(path string) (indent, name string) {
		head, name, below := strings.Cut(path, ".")
		if !below {
			return "", head
		}
		if head != section {
			section = head
			fmt.Fprintf(&b, "%s:\n", head)
		}
		return "  ", name
	}
	all := keys()
	for _, path := range paths() {
		indent, name := line(path)
		if path == pathTokens {
			l.showTokens(&b, indent, name)
			continue
		}
		k := all[slices.IndexFunc(all, func(k key) bool { return k.path == path })]
		fmt.Fprintf(&b, "%s%s: %s # %s\n", indent, name, k.yaml(&l.Config), l.Origin(path))
		if path == "streams.hold_time" { // the last of its section
			l.showDeclared(&b)
		}
	}
	return b.String()
}

func (l *Loaded) showTokens(b *strings.Builder, indent, name string) {
	tokens := l.Config.Access.Tokens
	if len(tokens) == 0 {
		fmt.Fprintf(b, "%s%s: [] # %s\n", indent, name, l.Origin(pathTokens))
		return
	}
	fmt.Fprintf(b, "%s%s:\n", indent, name)
	for i, t := range tokens {
		fmt.Fprintf(b, "%s  - {name: %s, token: %q, rights: [%s]} # %s\n", indent, strconv.Quote(t.Name), t.Secret,
			strings.Join(t.Rights, ", "), l.Origin(fmt.Sprintf("%s[%d]", pathTokens, i)))
	}
}

// yaml is the value as it would stand in a file, secrets masked.
func (k key) yaml(c *Config) string {
	var parts []string
	for _, text := range k.texts(c) {
		if at := strings.LastIndexByte(text, '@'); k.secret && at >= 0 {
			scheme, _, _ := strings.Cut(text, ":")
			text = scheme + ":" + masked + text[at:]
		}
		if k.kind == kindText || k.kind == kindSize {
			text = strconv.Quote(text)
		}
		parts = append(parts, text)
	}
	if k.list {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return parts[0]
}
