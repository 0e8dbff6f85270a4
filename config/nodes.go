package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// mapping is the pairs of a mapping; ok is false for every other node.
func mapping(n ast.Node) (pairs []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	default:
		return nil, false
	}
}

// elements is the values of a list; nothing at all is an empty one.
func elements(n ast.Node) (values []ast.Node, ok bool) {
	switch n := n.(type) {
	case *ast.SequenceNode:
		return n.Values, true
	case *ast.NullNode:
		return nil, true
	default:
		return nil, false
	}
}

// value sets k from a node.
func (w walker) value(k key, n ast.Node) {
	if !k.list {
		w.assign(k, w.at(n), w.scalar(k, n))
		return
	}
	nodes, ok := elements(n)
	if !ok {
		w.wrong(w.at(n), k.path, "%s", detail(want(`a list, such as ["…", "…"]`), describe(n), k.secret))
		return
	}
	var values []value
	for _, node := range nodes {
		values = append(values, w.scalar(k, node))
	}
	w.assign(k, w.at(n), values...)
}

// scalar is a node's text, and what is wrong with its type.
func (w walker) scalar(k key, n ast.Node) value {
	v := value{at: w.at(n), got: describe(n)}
	kind, plain := kindText, true
	switch n := n.(type) {
	case *ast.StringNode:
		v.text = n.Value
	case *ast.LiteralNode:
		v.text = n.Value.Value
	case *ast.IntegerNode:
		kind, v.text = kindNumber, fmt.Sprint(n.Value) // which undoes 0x10 and 1_000
	case *ast.BoolNode:
		kind, v.text = kindBoolean, n.GetToken().Value
	default:
		plain = false
	}
	wanted := k.kind
	if wanted == kindSize {
		wanted = kindText
	}
	switch {
	case !plain:
		v.text, v.err = "\x00", want("text") // hardly a check passes it
	case kind == wanted:
	case wanted == kindText:
		v.err = want("text: put it in quotes")
	case wanted == kindNumber:
		v.err = want("a number: leave the quotes out")
	default:
		v.err = want("true or false, without quotes")
	}
	return v
}

// describe says what a node is.
func describe(n ast.Node) got {
	switch n := n.(type) {
	case *ast.StringNode:
		return got{"a text", clip(n.Value)}
	case *ast.LiteralNode:
		return got{"a text", clip(n.Value.Value)}
	case *ast.IntegerNode, *ast.FloatNode, *ast.NanNode, *ast.InfinityNode:
		return got{"a number", short(n.GetToken().Value)}
	case *ast.BoolNode:
		return got{"true or false", short(n.GetToken().Value)}
	case *ast.NullNode:
		return got{kind: "nothing"}
	case *ast.SequenceNode:
		if len(n.Values) == 0 {
			return got{kind: "an empty list"}
		}
		return got{kind: "a list"}
	case *ast.MappingNode, *ast.MappingValueNode:
		return got{kind: "a mapping"}
	case *ast.AnchorNode, *ast.AliasNode:
		return got{kind: "an anchor or alias, which are not understood here"}
	case *ast.TagNode:
		return got{kind: "a tag, which is not understood here"}
	default:
		return got{kind: "something else"}
	}
}
