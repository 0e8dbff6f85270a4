package wish_test

import (
	"errors"
	"strings"
	"testing"

	"weir/internal/wish"
)

func TestIfMatch(t *testing.T) {
	t.Parallel()
	const etag = `"one"`
	for _, test := range []struct {
		name    string
		values  []string
		missing bool
		star    bool
		matches bool
	}{
		{name: "none", missing: true},
		{name: "star", values: []string{"*"}, star: true, matches: true},
		{name: "star with blanks", values: []string{" * "}, star: true, matches: true},
		{name: "star in quotes", values: []string{`"*"`}, star: true, matches: true},
		{name: "the same", values: []string{etag}, matches: true},
		{name: "another", values: []string{`"nonsense"`}},
		{name: "weak", values: []string{`W/"one"`}},
		{name: "weak and strong", values: []string{`W/"one", "one"`}, matches: true},
		{name: "list", values: []string{`"two","one"`}, matches: true},
		{name: "list with empty elements", values: []string{`, "two" , ,"one",`}, matches: true},
		{name: "two fields", values: []string{`"two"`, `"one"`}, matches: true},
		{name: "comma inside a tag", values: []string{`"two,one"`}},
		{name: "empty tag", values: []string{`""`}},
		{name: "another case", values: []string{`"ONE"`}},
		{name: "bytes beyond ASCII", values: []string{"\"\xe9\""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := wish.ParseIfMatch(test.values)
			if err != nil {
				t.Fatal(err)
			}
			if m.Missing() != test.missing || m.Any() != test.star || m.Matches(etag) != test.matches {
				t.Errorf("missing %t, any %t, matches %t; want %t, %t, %t", m.Missing(), m.Any(), m.Matches(etag), test.missing, test.star, test.matches)
			}
		})
	}
	for _, weak := range []string{`W/"one"`, ""} {
		m, err := wish.ParseIfMatch([]string{`W/"one", "one"`})
		if err != nil {
			t.Fatal(err)
		}
		if m.Matches(weak) {
			t.Errorf("a match with the current tag %q", weak)
		}
	}
}

func TestIfMatchRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", ",", "one", `"one`, `one"`, `"one" "two"`, `*, "one"`, `"one", *`, `w/"one"`, `W/one`, "\"o ne\"", "\"o\x7fne\"", `W/`} {
		_, err := wish.ParseIfMatch([]string{value})
		if refusal, ok := errors.AsType[*wish.Refusal](err); !ok || refusal.Status != 400 {
			t.Errorf("%q: %v, want a refusal with 400", value, err)
		}
	}
}

func FuzzEntityTag(f *testing.F) {
	for _, seed := range []string{`*`, `"*"`, `"one"`, `W/"one"`, `"a", W/"b",, "c,d"`, `"`, `W/`, ``, `"one" "two"`} {
		f.Add(seed, `"one"`)
	}
	f.Fuzz(func(t *testing.T, value, etag string) {
		m, err := wish.ParseIfMatch([]string{value})
		if err != nil {
			if m.Any() || m.Matches(etag) {
				t.Fatal("what was refused matches")
			}
			return
		}
		if m.Missing() {
			t.Fatal("what is there is missing")
		}
		if m.Matches(etag) && !m.Any() && (!strings.HasPrefix(etag, `"`) || !strings.Contains(value, etag)) {
			t.Fatalf("%q matches %q", value, etag)
		}
		if two, err := wish.ParseIfMatch([]string{value, value}); !m.Any() && (err != nil || two.Matches(etag) != m.Matches(etag)) {
			t.Fatalf("twice the same field is not the same: %v", err)
		}
	})
}
