//go:build e2e

package netns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// seenVariable names the file in which every player and publisher notes what must
// stay secret.
const seenVariable = "E2E_SEEN"

// told are the logs of all gateways, and the sources of pages.
var told struct {
	mu sync.Mutex
	// guarded by mu
	logs []string
}

func tell(log string) {
	told.mu.Lock()
	defer told.mu.Unlock()
	told.logs = append(told.logs, log)
}

// examined runs the tests and looks whether no token, session secret or ICE
// password stands in a log or a page's source.
func examined(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "weir-seen-")
	if err != nil {
		return 1, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // in the temporary folder
	seen := filepath.Join(dir, "seen")
	if err := os.Setenv(seenVariable, seen); err != nil {
		return 1, fmt.Errorf("set a variable: %w", err)
	}
	code = m.Run()
	secrets, err := readSecrets(seen)
	if err != nil {
		return 1, err
	}
	secrets[token] = "token"
	told.mu.Lock()
	defer told.mu.Unlock()
	var found []error
	for _, log := range told.logs {
		for secret, kind := range secrets {
			if strings.Contains(log, secret) {
				found = append(found, fmt.Errorf("--- FAIL: secrets: %s in a log or a page", kind))
			}
		}
	}
	if len(found) == 0 {
		_, _ = fmt.Fprintf(os.Stdout, "%d secrets are in none of %d logs and pages\n", len(secrets), len(told.logs)) // nobody need read it
	}
	return code, errors.Join(found...)
}

// readSecrets are what was noted: what each is, by itself. A page's source, which
// browsers note too, is one more text that must not hold any.
func readSecrets(path string) (map[string]string, error) {
	secrets := map[string]string{}
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return secrets, nil // no player of ours ran
	}
	if err != nil {
		return nil, fmt.Errorf("read what is secret: %w", err)
	}
	for line := range strings.Lines(string(content)) {
		var note struct{ Kind, Secret, Source string }
		if err := json.Unmarshal([]byte(line), &note); err != nil {
			return nil, fmt.Errorf("read what is secret: %w", err)
		}
		if note.Secret != "" {
			secrets[note.Secret] = note.Kind
		}
		if note.Source != "" {
			tell(note.Source)
		}
	}
	return secrets, nil
}
