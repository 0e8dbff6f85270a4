//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestMain ends a run with a look at what it saw: no token, session secret or
// ICE password stands in a log, an event or a page's source.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(examined(m)) //nolint:forbidigo // this is the main of the test's program
}

// examined runs the tests, looks, and returns the exit code.
func examined(m *testing.M) int {
	dir, err := os.MkdirTemp("", "weir-seen-")
	if err == nil {
		err = os.Setenv("E2E_SEEN", filepath.Join(dir, "seen"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // in the temporary folder
	code := m.Run()
	shared.end()
	found := told.read(os.Getenv("E2E_SEEN"))
	found = append(found, told.leaks()...)
	if flag.Lookup("test.run").Value.String() == "" {
		found = append(found, told.enough()...)
	}
	for _, f := range found {
		_, _ = fmt.Fprintln(os.Stdout, "--- FAIL: secrets:", f) // nowhere else to say it
		code = 1
	}
	return code
}

// told is what the whole run saw.
var told = &evidence{secrets: map[string]string{}}

// evidence is secrets, and the texts in which none of them may stand.
type evidence struct {
	mu sync.Mutex
	// guarded by mu
	secrets map[string]string // what it is, by the secret
	texts   []text
	sources int
	events  int
}

type text struct{ what, body string }

func (e *evidence) secret(kind, secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secrets[secret] = kind
}

func (e *evidence) text(what, body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.texts = append(e.texts, text{what, body})
}

// read takes what the browsers' scripts have noted.
func (e *evidence) read(file string) []string {
	content, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil // no browser ran
	}
	if err != nil {
		return []string{err.Error()}
	}
	for line := range strings.Lines(string(content)) {
		var note struct{ Kind, Secret, Source string }
		if err := json.Unmarshal([]byte(line), &note); err != nil {
			return []string{fmt.Sprintf("a note of %d bytes: %v", len(line), err)}
		}
		if note.Secret != "" {
			e.secret(note.Kind, note.Secret)
		}
		if note.Source != "" {
			e.sources++
			e.text("a page's source", note.Source)
		}
	}
	return nil
}

func (e *evidence) leaks() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []string
	for _, t := range e.texts {
		for secret, kind := range e.secrets {
			if strings.Contains(t.body, secret) {
				found = append(found, kind+" in "+t.what)
			}
		}
	}
	return found
}

// enough says what was hardly looked at: then the look proves little.
func (e *evidence) enough() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	counts := map[string]int{"page": e.sources, "event": e.events}
	for _, kind := range e.secrets {
		counts[kind]++
	}
	var found []string
	for kind, least := range map[string]int{"token": 20, "session": 20, "ice password": 40, "page": 20, "event": 50} {
		if counts[kind] < least {
			found = append(found, fmt.Sprintf("the run saw %d of kind %s, want at least %d", counts[kind], kind, least))
		}
	}
	return found
}

// witness notes what a server tells, and its tokens, until it ends.
func (p *process) witness(t *testing.T) {
	t.Helper()
	admin := ""
	for _, variable := range p.cmd.Env {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "WEIR_STATE_DIR":
			p.state = value
		case strings.HasPrefix(name, "WEIR_") && strings.HasSuffix(name, "_TOKEN"):
			told.secret("token", value)
			if name == "WEIR_ADMIN_TOKEN" {
				admin = value
			}
		}
	}
	for name, secret := range p.tokens(t) {
		if name == "admin" && admin == "" {
			admin = secret
		}
	}
	// Not the test's context: it ends before the server does.
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.base+"/api/v1/events?since=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+admin)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("events of the server: %s", response.Status)
	}
	p.watching.Go(func() {
		defer response.Body.Close() //nolint:errcheck // read to its end
		var events strings.Builder
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data:") {
				told.mu.Lock()
				told.events++
				told.mu.Unlock()
			}
			_, _ = io.WriteString(&events, lines.Text()+"\n") // a Builder keeps no error
		}
		told.text("an event", events.String())
	})
}

// tokens are the server's own, by name; the run's evidence has them, too.
func (p *process) tokens(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(p.state, "tokens.json"))
	if os.IsNotExist(err) {
		return nil // all are fixed
	}
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tokens []struct{ Name, Secret string }
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, one := range file.Tokens {
		all[one.Name] = one.Secret
		told.secret("token", all[one.Name])
	}
	return all
}
