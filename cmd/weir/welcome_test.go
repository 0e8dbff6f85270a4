package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// On a terminal one click works: the first address holds the token to administer
// with.
func TestWelcomeOnTerminal(t *testing.T) {
	dir := t.TempDir()
	stdout := newOutput()
	stdout.terminal = true
	p := startWith(t, stdout, stateIn(dir))
	first, rest, _ := strings.Cut(p.stdout.String(), "\n")
	found := regexp.MustCompile(`^open   (http://127\.0\.0\.1:\d+/)#token=(\S+)$`).FindStringSubmatch(first)
	if found == nil {
		t.Fatalf("the first line is %q", first)
	}
	if !strings.Contains(rest, "watch  "+found[1]+"watch/test\n") || strings.Contains(rest, "tokens ") {
		t.Errorf("the rest is\n%s", rest)
	}
	token, err := url.QueryUnescape(found[2])
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, p.url+"/api/v1/sessions", token); got != http.StatusOK {
		t.Errorf("the token is good for %d", got)
	}
	if got := get(t, p.url+"/api/v1/sessions", ""); got != http.StatusUnauthorized {
		t.Errorf("without it: %d", got)
	}
	if err := p.end(); err != nil {
		t.Error(err)
	}
	if strings.Contains(p.stderr.String(), token) {
		t.Error("the token is in the log")
	}
}

// Where what is printed may be kept, the tokens' file is named and no token is
// printed.
func TestWelcomeElsewhere(t *testing.T) {
	dir := t.TempDir()
	p := startWith(t, newOutput(), stateIn(dir))
	kept := filepath.Join(dir, stateFile)
	if want := "tokens " + kept + "\npage   " + p.url + "/\nwatch  " + p.url + "/watch/test\n"; !strings.HasPrefix(p.stdout.String(), want) {
		t.Errorf("printed\n%s\nwant it to begin\n%s", p.stdout, want)
	}
	content, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(content) {
		t.Errorf("the state file is %q", content)
	}
	secrets := regexp.MustCompile(`weir_[A-Z0-9a-z]+`).FindAllString(string(content), -1)
	if len(secrets) != 2 {
		t.Errorf("%d tokens were made, want one to publish and one to administer", len(secrets))
	}
	if err := p.end(); err != nil {
		t.Error(err)
	}
	for _, secret := range secrets {
		if strings.Contains(p.stdout.String()+p.stderr.String(), secret) {
			t.Error("a token is printed")
		}
	}
}

// A second start makes no other tokens.
func TestTokensStay(t *testing.T) {
	dir := t.TempDir()
	var before string
	for range 2 {
		p := startWith(t, newOutput(), stateIn(dir))
		content, err := os.ReadFile(filepath.Join(dir, stateFile))
		if err != nil {
			t.Fatal(err)
		}
		if before != "" && before != string(content) {
			t.Error("the tokens have changed")
		}
		before = string(content)
		if err := p.end(); err != nil {
			t.Error(err)
		}
	}
}

// Tokens of the configuration are enough: nothing is kept.
func TestWelcomeFixed(t *testing.T) {
	dir := t.TempDir()
	p := startWith(t, newOutput(), append(stateIn(dir), "WEIR_ADMIN_TOKEN=hunter2+hunter2/="))
	if !strings.HasPrefix(p.stdout.String(), "tokens from the configuration\npage   ") {
		t.Errorf("printed\n%s", p.stdout)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v in the state directory, %v", entries, err)
	}
	if got := get(t, p.url+"/api/v1/sessions", "hunter2+hunter2/="); got != http.StatusOK {
		t.Errorf("the token is good for %d", got)
	}
}

func TestWelcomeOnAllInterfaces(t *testing.T) {
	text := welcome{listening: &net.TCPAddr{IP: net.IPv6unspecified, Port: 8080}, live: true, token: "a+b/c="}.String()
	first, rest, _ := strings.Cut(text, "\n")
	if first != "open   http://127.0.0.1:8080/#token=a%2Bb%2Fc%3D" {
		t.Errorf("the first line is %q", first)
	}
	if strings.Contains(rest, "token") {
		t.Errorf("the token stands twice:\n%s", text)
	}
	if others := len(reachable(false)) - 1; strings.Count(rest, "page   http://") != others {
		t.Errorf("%d other addresses:\n%s", others, text)
	}
}

// get returns the status of an answer.
func get(t *testing.T, url, token string) int {
	t.Helper()
	r := newRequest(t, http.MethodGet, url, "")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	status, _ := exchange(t, r)
	return status
}
