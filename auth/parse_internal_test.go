package auth

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const seedFile = `{
  "version": 1,
  "tokens": [
    {"name": "admin", "secret": "hidden-1", "rights": ["administer"], "created": "2026-05-04T03:02:01Z"},
    {"name": "cam", "secret": "hidden-2", "rights": ["publish", "play"]}
  ]
}
`

func TestParse(t *testing.T) {
	tokens, err := parseTokens([]byte(seedFile))
	if err != nil || len(tokens) != 2 || tokens[0].Secret != "hidden-1" || tokens[0].Created.Year() != 2026 || tokens[1].Rights[0] != Play {
		t.Fatalf("%v, %v", tokens, err)
	}
	replaced := func(from, to string) string {
		if !strings.Contains(seedFile, from) {
			t.Fatalf("%q is not in the file", from)
		}
		return strings.Replace(seedFile, from, to, 1)
	}
	for _, c := range []struct{ what, text, want string }{
		{"nothing", "", "line 1: this is not the JSON"},
		{"no object", "[]", "line 1: "},
		{"null", "null", `"version" is 0`},
		{"cut", seedFile[:150], "line 5: this is not the JSON"},
		{"a comma too many", replaced(`["administer"]`, `["administer",]`), "line 4: this is not the JSON"},
		{"a secret without quotes", replaced(`"hidden-1"`, `hidden-1`), "line 4: this is not the JSON"},
		{"a secret of the wrong type", replaced(`"hidden-1"`, `["hidden-1"]`), `line 4: "tokens.secret" has the wrong type`},
		{"a field that is not known", replaced(`"rights"`, `"streams": ["a"], "rights"`), "that this program does not know: streams"},
		{"a secret for a field", replaced(`"secret": "hidden-1"`, `"hidden-1": 1`), "does not know"},
		{"more", seedFile + "x", "line 8: something follows"},
		{"another object", seedFile + "{}", "something follows"},
		{"another version", replaced(`"version": 1`, `"version": 2`), `"version" is 2`},
		{"a right that is none", replaced(`"publish"`, `"hidden-3"`), `token 2: "rights" are some of`},
		{"no right", replaced(`["administer"]`, `[]`), "token admin: a token needs at least one right"},
		{"a time that is none", replaced("2026-05-04T03:02:01Z", "hidden-4"), `token 1: "created" is no RFC 3339 time`},
		{"an empty secret", replaced("hidden-1", ""), "token admin: the secret is empty"},
		{"a name twice", replaced(`"cam"`, `"admin"`), "token admin: the name is used twice"},
		{"a secret twice", replaced("hidden-2", "hidden-1"), "token cam: the secret is that of token admin too"},
		{"a name that is none", replaced(`"cam"`, `"hidden 5"`), "token 2: a token's name is"},
		{"two mistakes", strings.Replace(replaced("hidden-1", ""), `"cam"`, `"-"`, 1), "token admin: the secret is empty; token 2: "},
	} {
		_, err := parseTokens([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: quotes the file: %v", c.what, err)
		}
	}
}

func TestManyMistakesAreCounted(t *testing.T) {
	text := `{"version": 1, "tokens": [` + strings.Repeat(`{},`, 99) + `{}]}`
	_, err := parseTokens([]byte(text))
	if err == nil || len(err.Error()) > 2000 || !strings.HasSuffix(err.Error(), "; and 290 more") {
		t.Errorf("got %v", err)
	}
}

// Whatever the file says: what is taken is valid, survives being written, and an
// error is one line that quotes nothing.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		seedFile, "", "{}", "null", `{"version":1}`, `{"version":1,"tokens":null}`, `{"version":1,"tokens":[{}]}`,
		`{"VERSION":1,"tokens":[{"name":"a","secret":"b","rights":["play","play"]}]}`,
		`{"version":1,"tokens":[{"name":"a","secret":"b","rights":["play"],"created":"9999-12-31T23:59:59+23:59"}]}`,
		`{"version":1,"tokens":[{"name":"a","secret":"<&>","rights":["play"],"created":"0001-01-01T00:00:00Z"}]}`,
		`{"version":1e0,"tokens":[{"name":"\ud800","secret":"\u0000","rights":[""]}]}`,
		"\ufeff{}", "{\"version\":1}\n\n{", `{"version":99999999999999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tokens, err := parseTokens(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x00") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		if problems := checkAll(tokens); problems != nil {
			t.Fatalf("taken: %v", problems)
		}
		out, err := formatTokens(tokens)
		if err != nil {
			t.Skip("too long once it is laid out")
		}
		again, err := parseTokens(out)
		secrets := func(a, b Token) bool { return a.Secret == b.Secret && a.Name == b.Name && a.Created.Equal(b.Created) }
		if err != nil || len(again) != len(tokens) || !cmp.Equal(tokens, again, cmp.Comparer(secrets)) {
			t.Errorf("written and read again: %v: %s", err, out)
		}
	})
}
