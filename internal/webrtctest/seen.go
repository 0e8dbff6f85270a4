package webrtctest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// seenVariable names a file, for a run that looks for secrets in what servers tell:
// every client writes into it what it knows and nobody else must, a line of JSON
// each.
const seenVariable = "E2E_SEEN"

// shortest is how long a secret is at least: what is shorter was made up, and may
// stand anywhere.
const shortest = 16

// noteSecrets notes the token, the session and the ICE passwords of a request and
// its reply.
func noteSecrets(sent http.Header, body string, reply *Reply) error {
	path := os.Getenv(seenVariable)
	if path == "" {
		return nil
	}
	var lines []byte
	note := func(kind, secret string) {
		if len(secret) < shortest {
			return
		}
		line, _ := json.Marshal(map[string]string{"kind": kind, "secret": secret}) // of strings: it cannot fail
		lines = append(append(lines, line...), '\n')
	}
	if token, ok := strings.CutPrefix(sent.Get("Authorization"), "Bearer "); ok {
		note("token", token)
	}
	if _, session, ok := strings.Cut(reply.Header.Get("Location"), "/session/"); ok {
		note("session", session)
	}
	for line := range strings.Lines(body + "\n" + reply.Body) {
		if password, ok := strings.CutPrefix(strings.TrimSpace(line), "a=ice-pwd:"); ok {
			note("ice password", password)
		}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // whoever runs the tests says which
	if err != nil {
		return fmt.Errorf("note what is secret: %w", err)
	}
	defer f.Close() //nolint:errcheck // what was written tells
	if _, err := f.Write(lines); err != nil {
		return fmt.Errorf("note what is secret: %w", err)
	}
	return nil
}
