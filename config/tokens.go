package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// The rights that a token can have.
const (
	rightPublish    = "publish"
	rightPlay       = "play"
	rightAdminister = "administer"
)

func rights() []string { return []string{rightPublish, rightPlay, rightAdminister} }

// placedToken is where a token of the configuration stands.
type placedToken struct {
	path       string
	name, text place // of its name and of its secret
}

func checkName(text string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(text) {
		return want("1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or digit")
	}
	return nil
}

// checkSecret holds what can be a bearer token (RFC 6750 2.1).
func checkSecret(text string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`).MatchString(text) || len(text) < 8 || len(text) > 256 {
		return want("8 to 256 letters, digits and - . _ ~ + /")
	}
	return nil
}

func checkRight(text string) error {
	if !slices.Contains(rights(), text) {
		return want("publish, play or administer")
	}
	return nil
}

// tokenList reads access.tokens.
func (w walker) tokenList(n ast.Node) {
	nodes, ok := elements(n)
	if !ok {
		w.wrong(w.at(n), pathTokens, "want a list of name, token and rights, got %s", describe(n).kind)
		return
	}
	w.config.Access.Tokens, w.tokens = nil, nil
	for i, node := range nodes {
		w.token(fmt.Sprintf("%s[%d]", pathTokens, i), node)
	}
}

// token reads one entry and keeps it if it is whole.
func (w walker) token(path string, n ast.Node) {
	pairs, ok := mapping(n)
	if !ok {
		w.wrong(w.at(n), path, "want name, token and rights, got %s", describe(n).kind)
		return
	}
	before := len(w.mistakes)
	var t Token
	at := placedToken{path: path}
	seen := map[string]place{}
	for _, pair := range pairs {
		field, here := pair.Key.GetToken().Value, w.at(pair.Key)
		if !slices.Contains([]string{"name", "token", "rights"}, field) {
			w.unknownField(here, path, field)
			continue
		}
		if first, twice := seen[field]; twice {
			w.wrong(here, path+"."+field, "is given twice; it stands in line %d too", first.line)
		}
		seen[field] = here
		switch field {
		case "name":
			t.Name, at.name = w.tokenText(path+".name", pair.Value, checkName), w.at(pair.Value)
		case "token":
			t.Secret, at.text = Secret(w.tokenText(path+".token", pair.Value, checkSecret)), w.at(pair.Value)
		default:
			t.Rights = w.tokenRights(path+".rights", pair.Value)
		}
	}
	for _, field := range []string{"name", "token", "rights"} {
		if _, ok := seen[field]; !ok {
			w.wrong(w.at(n), path, "%s is missing", field)
		}
	}
	if len(w.mistakes) == before {
		w.addToken(t, at)
	}
}

// unknownField does not repeat the name, which may be a token.
func (w walker) unknownField(at place, path, field string) {
	if hint := nearest(field, []string{"name", "token", "rights"}); hint != "" {
		w.wrong(at, path, "there is no such setting; did you mean %s?", hint)
		return
	}
	w.wrong(at, path, "there is no such setting; here may stand name, token, rights")
}

// tokenText is a text that no mistake repeats, "" after a mistake.
func (w walker) tokenText(path string, n ast.Node, check func(string) error) string {
	k := key{path: path, check: check, secret: true}
	v := w.scalar(k, n)
	if err := w.check(k, v); err != nil {
		w.wrong(v.at, path, "%s", detail(err, v.got, true))
		return ""
	}
	return v.text
}

func (w walker) tokenRights(path string, n ast.Node) []string {
	nodes, ok := elements(n)
	if !ok || len(nodes) == 0 {
		w.wrong(w.at(n), path, "want a list of publish, play and administer, got %s", describe(n).kind)
		return nil
	}
	var all []string
	for i, node := range nodes {
		right := w.tokenText(fmt.Sprintf("%s[%d]", path, i), node, checkRight)
		if right != "" && !slices.Contains(all, right) {
			all = append(all, right)
		}
	}
	return all
}

// fixToken is a token of the environment. It goes over one of that name.
func (l *loader) fixToken(f fixedToken, at place, text string) {
	if err := checkSecret(text); err != nil {
		l.wrong(at, "", "%v", err)
		return
	}
	t := Token{Name: f.name, Secret: Secret(text), Rights: []string{f.right}}
	placed := placedToken{name: at, text: at}
	for i, have := range l.config.Access.Tokens {
		if have.Name == f.name {
			placed.path = l.tokens[i].path
			l.config.Access.Tokens[i], l.tokens[i] = t, placed
			l.origins[fmt.Sprintf("%s[%d]", pathTokens, i)] = at
			return
		}
	}
	l.addToken(t, placed)
}

func (l *loader) addToken(t Token, at placedToken) {
	l.origins[fmt.Sprintf("%s[%d]", pathTokens, len(l.config.Access.Tokens))] = at.name
	l.config.Access.Tokens = append(l.config.Access.Tokens, t)
	l.tokens = append(l.tokens, at)
}

// compareTokens finds those that cannot be told apart.
func (l *loader) compareTokens() {
	called := func(i int) string {
		if at := l.tokens[i]; at.name.layer == layerFile {
			return at.path
		}
		return l.tokens[i].name.name
	}
	for _, s := range same(l.config.Access.Tokens) {
		at := l.tokens[s.later]
		if s.name {
			l.wrong(at.name, at.path+".name", "is the name of %s too", called(s.earlier))
		} else {
			l.wrong(at.text, at.path+".token", "is the token of %s too", called(s.earlier))
		}
	}
}

// sameness is what two tokens share.
type sameness struct {
	earlier, later int
	name           bool // else the secret
}

func same(tokens []Token) []sameness {
	var all []sameness
	for i, t := range tokens {
		name := slices.IndexFunc(tokens[:i], func(o Token) bool { return o.Name == t.Name })
		if name >= 0 {
			all = append(all, sameness{name, i, true})
		}
		secret := slices.IndexFunc(tokens[:i], func(o Token) bool { return o.Secret == t.Secret })
		if secret >= 0 {
			all = append(all, sameness{secret, i, false})
		}
	}
	return all
}

// validateTokens is Validate's part.
func validateTokens(tokens []Token) Mistakes {
	var mistakes Mistakes
	add := func(i int, field string, err error) {
		if err != nil {
			mistakes = append(mistakes, &Mistake{Path: fmt.Sprintf("%s[%d].%s", pathTokens, i, field), Detail: err.Error()})
		}
	}
	for i, t := range tokens {
		add(i, "name", checkName(t.Name))
		add(i, "token", checkSecret(string(t.Secret)))
		if len(t.Rights) == 0 {
			add(i, "rights", want("some of %s", strings.Join(rights(), ", ")))
		}
		for j, right := range t.Rights {
			add(i, fmt.Sprintf("rights[%d]", j), checkRight(right))
		}
	}
	for _, s := range same(tokens) {
		field := "token"
		if s.name {
			field = "name"
		}
		add(s.later, field, errors.New("is that of "+fmt.Sprintf("%s[%d]", pathTokens, s.earlier)+" too"))
	}
	return mistakes
}
