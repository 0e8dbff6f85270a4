package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// namePushes is the setting that is a list of mappings.
const namePushes = "pushes"

// A DeclaredPush is another server that a stream is published on while it is live.
type DeclaredPush struct {
	URL   string // WHIP endpoint; what stands behind its ? may be secret
	Token Secret // bearer token for it, "" for none
}

// String hides what may be secret.
func (p DeclaredPush) String() string {
	head, _, query := strings.Cut(p.URL, "?")
	switch {
	case strings.Contains(p.URL, "@"): // a user, which none can have
		return masked
	case query:
		return head + "?" + masked
	default:
		return head
	}
}

// GoString hides what may be secret.
func (p DeclaredPush) GoString() string { return p.String() }

// onlyPushes says whether a stream without a source is one that others publish.
func (d Declared) onlyPushes() bool {
	return len(d.Pushes) > 0 && d.Params == nil && d.Private == nil && !d.OnDemand && d.StopAfter == nil && d.Restart == DeclaredRestart{}
}

// pushes reads the list of a declared stream. What an address must be, only the
// relay knows.
func (w walker) pushes(path string, n ast.Node, d *Declared) {
	w.origins[path] = w.at(n)
	nodes, ok := elements(n)
	if !ok {
		w.wrong(w.at(n), path, "want a list of url and token, got %s", describe(n).kind)
		return
	}
	for i, node := range nodes {
		w.push(fmt.Sprintf("%s[%d]", path, i), node, d)
	}
}

// push reads one entry.
func (w walker) push(path string, n ast.Node, d *Declared) {
	before := len(w.mistakes)
	var p DeclaredPush
	w.origins[path] = w.at(n)
	w.fields(path, n, []declaredKey{
		{"url", func(w walker, path string, n ast.Node, _ *Declared) {
			w.origins[path] = w.at(n)
			p.URL = w.tokenText(path, n, anything)
		}},
		{"token", func(w walker, path string, n ast.Node, _ *Declared) {
			w.origins[path] = w.at(n)
			p.Token = Secret(w.tokenText(path, n, anything))
		}},
	}, d)
	if p.URL == "" && len(w.mistakes) == before {
		w.wrong(w.at(n), path, "url is missing: the WHIP endpoint of the other server")
	}
	d.Pushes = append(d.Pushes, p)
}

// showPushes writes them, masked.
func (d Declared) showPushes(b *strings.Builder) {
	if len(d.Pushes) == 0 {
		return
	}
	b.WriteString("    pushes:\n")
	for _, p := range d.Pushes {
		fmt.Fprintf(b, "      - {url: %q", p.String())
		if p.Token != "" {
			fmt.Fprintf(b, ", token: %q", p.Token)
		}
		b.WriteString("}\n")
	}
}
