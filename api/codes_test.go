package api_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/session"
)

// codes collects the codes of refusals out of the source.
type codes struct {
	found   map[string]bool
	unclear []string // where a code is made in a way that is not understood here
	consts  map[string]string
}

// TestDescriptionHasTheCodes holds the codes that the description lists against those that the source has: a client may
// rely on the list.
func TestDescriptionHasTheCodes(t *testing.T) {
	c := codes{found: map[string]bool{
		session.ReasonTaken: true, session.ReasonOperator: true, session.ReasonRevoked: true, session.ReasonClosed: true,
	}, consts: map[string]string{}}
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, room := range []string{"api", "api/*", "session", "session/*", "whip", "whep", "internal/wish"} {
		names, err := filepath.Glob("../" + room + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
		}
	}
	loop, err := parser.ParseFile(files, "../relay/hops.go", nil, parser.SkipObjectResolution) // the rest of relay reads refusals of others
	if err != nil {
		t.Fatal(err)
	}
	parsed = append(parsed, loop)
	for _, file := range parsed {
		ast.Inspect(file, c.constants)
	}
	for _, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool { return c.look(files, n) })
	}
	for _, where := range c.unclear {
		t.Error("which code this has is not seen by this test: ", where)
	}
	var is, said []string
	for code := range c.found {
		is = append(is, code)
	}
	for _, code := range described(t).document.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		said = append(said, fmt.Sprint(code))
	}
	slices.Sort(is)
	if diff := cmp.Diff(is, said); diff != "" {
		t.Errorf("codes of the source (-) and of the description (+), which is sorted:\n%s", diff)
	}
}

// constants notes those that hold codes.
func (c *codes) constants(n ast.Node) bool {
	spec, ok := n.(*ast.ValueSpec)
	if !ok {
		return true
	}
	for i, name := range spec.Names {
		if i < len(spec.Values) && strings.HasPrefix(strings.ToLower(name.Name), "code") {
			if value, ok := text(spec.Values[i]); ok {
				c.consts[name.Name] = value
			}
		}
	}
	return true
}

// codeAt says which argument of a function is a code, or the beginning of some.
var codeAt = map[string]struct {
	argument int
	endings  []string
}{
	"refuse":      {1, []string{""}},
	"RefuseField": {0, []string{""}},
	"refuseQuery": {0, []string{""}},
	"malformed":   {0, []string{"_malformed"}},
	"ReadText":    {3, []string{"_malformed", "_too_large", "_timeout", "_incomplete"}},
}

func (c *codes) look(files *token.FileSet, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl: // what it makes of its parameters is seen where it is called
		_, known := codeAt[n.Name.Name]
		return !known && n.Name.Name != "RefuseRead"
	case *ast.CompositeLit:
		if name(n.Type) != "Refusal" {
			return true
		}
		for _, element := range n.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok && name(pair.Key) == "Code" {
				c.add(files, pair.Value, "")
			}
		}
	case *ast.CallExpr:
		at, ok := codeAt[name(n.Fun)]
		if _, method := n.Fun.(*ast.SelectorExpr); method && !ast.IsExported(name(n.Fun)) {
			return true
		}
		if own := filepath.Base(filepath.Dir(files.Position(n.Pos()).Filename)) == "negotiate"; own && name(n.Fun) == "malformed" {
			return true // which is another, with one code
		}
		if ok && at.argument < len(n.Args) {
			for _, ending := range at.endings {
				c.add(files, n.Args[at.argument], ending)
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if _, ok := left.(*ast.SelectorExpr); ok && name(left) == "Code" && i < len(n.Rhs) && name(n.Rhs[i]) != "reason" {
				c.add(files, n.Rhs[i], "")
			}
		}
	}
	return true
}

func (c *codes) add(files *token.FileSet, value ast.Expr, ending string) {
	code, ok := text(value)
	if !ok {
		code, ok = c.consts[name(value)]
	}
	if !ok {
		c.unclear = append(c.unclear, files.Position(value.Pos()).String())
		return
	}
	c.found[code+ending] = true
}

// text is the value of a string that stands there.
func text(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

// name is the last part of a name.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	default:
		return ""
	}
}
