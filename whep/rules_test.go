package whep_test

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A check proves one rule of the WHEP and WISH documents at a running server. It
// is run by the rule's id.
type check = func(t *testing.T, s *server)

// checks are all of them, by id; the files are those of the sections.
func checks() map[string]check {
	all := map[string]check{}
	for _, section := range []map[string]check{
		createRules(), answerRules(), trickleRules(), restartRules(), endRules(), lookRules(), accessRules(),
		safetyRules(), quirkRules(),
	} {
		maps.Copy(all, section)
	}
	return all
}

// TestRules proves the rules one by one. With WEIR_BREAK set to a rule's id the
// server breaks that rule, and its check must fail: see TestBrokenRules.
func TestRules(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{broken: os.Getenv("WEIR_BREAK")})
	all := checks()
	for _, id := range slices.Sorted(maps.Keys(all)) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			all[id](t, s)
		})
	}
}

// A rule is a line of the list of rules.
type rule struct{ level, state string }

const proved = "proved"

// readRules reads the list: on each line an id, a level, and "proved" or why it
// is not.
func readRules(t *testing.T) map[string]rule {
	t.Helper()
	file, err := os.Open("../internal/wish/testdata/rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	rules := map[string]rule{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		if len(fields) != 3 {
			t.Fatalf("not a rule: %q", line)
		}
		if _, twice := rules[fields[0]]; twice {
			t.Errorf("%s stands there twice", fields[0])
		}
		rules[fields[0]] = rule{level: fields[1], state: fields[2]}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rules
}

// The list says of each rule that it is proved, and then TestRules runs a check
// of that name, or why not.
func TestListOfRules(t *testing.T) {
	t.Parallel()
	all, rules := checks(), readRules(t)
	for id, r := range rules {
		_, checked := all[id]
		switch {
		case !slices.Contains([]string{"MUST", "SHOULD", "MAY", "QUIRK"}, r.level):
			t.Errorf("%s: the level %q is unknown", id, r.level)
		case r.state == proved && !checked:
			t.Errorf("%s is called proved, but nothing checks it", id)
		case r.state != proved && checked:
			t.Errorf("%s is checked, but the list says: %s", id, r.state)
		case r.state != proved && !strings.HasPrefix(r.state, "not yet: ") && !strings.HasPrefix(r.state, "does not apply: "):
			t.Errorf("%s: neither proved nor a reason: %q", id, r.state)
		}
	}
	for id := range all {
		if _, listed := rules[id]; !listed {
			t.Errorf("%s is checked, but is not in the list", id)
		}
	}
	if len(rules) < 100 {
		t.Errorf("the list has only %d rules", len(rules))
	}
}

// Every MUST that is proved can be broken, so that it is known that its check
// can fail.
func TestEveryMustCanBeBroken(t *testing.T) {
	t.Parallel()
	all := breaks()
	for id, r := range readRules(t) {
		if _, ok := all[id]; !ok && r.level == "MUST" && r.state == proved {
			t.Errorf("nothing breaks %s", id)
		}
	}
	known := checks()
	for id := range all {
		if _, ok := known[id]; !ok {
			t.Errorf("%s is broken, but nothing checks it", id)
		}
	}
}
