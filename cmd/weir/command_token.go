package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"weir/auth"
	"weir/config"
)

// changeTokens is "weir token": it works on the state file, which a running
// server follows.
func changeTokens(r request, loaded *config.Loaded, stdout, stderr io.Writer) error {
	if err := r.countArgs(); err != nil {
		return err
	}
	warn := func(err error) { _, _ = fmt.Fprintln(stderr, "weir:", err) } // nowhere else to say it
	store, err := openTokens(loaded, warn)
	if err != nil {
		return err
	}
	if r.verb == "list" {
		return listTokens(store, loaded, r.secrets, stdout)
	}
	name := r.args[0]
	open := store.PlayIsOpen()
	var made auth.Token
	switch r.verb {
	case "add":
		var rights []auth.Action
		if rights, err = parseRights(r.args[1:]); err == nil {
			made, err = store.Add(name, rights)
		}
	case "rotate":
		made, err = store.Rotate(name)
	default:
		err = store.Revoke(name)
	}
	if err != nil {
		return tokenError(r.verb, loaded, err)
	}
	switch {
	case open && !store.PlayIsOpen():
		warn(errors.New("playing now needs a token, for public streams too: one with the right play or administer"))
	case !open && store.PlayIsOpen():
		warn(errors.New("playing public streams is open to everybody again: no token is left with the right play alone"))
	}
	if made.Secret == "" {
		return nil
	}
	return say(stdout, made.Secret+"\n")
}

// countArgs holds the number of arguments to what the verb takes.
func (r *request) countArgs() error {
	want, ok := "no more", len(r.args) == 0
	switch r.verb {
	case "add":
		want, ok = "NAME RIGHT…", len(r.args) >= 2
	case "rotate", "revoke":
		want, ok = "NAME", len(r.args) == 1
	}
	if !ok {
		return fmt.Errorf("weir token %s: want %s; %w", r.verb, want, errUsage)
	}
	return nil
}

// parseRights takes several words, and lists with commas.
func parseRights(words []string) ([]auth.Action, error) {
	var rights []auth.Action
	for _, name := range strings.FieldsFunc(strings.Join(words, ","), func(c rune) bool { return c == ',' }) {
		right, err := auth.ParseAction(name)
		if err != nil {
			return nil, fmt.Errorf("%w; %w", err, errUsage)
		}
		rights = append(rights, right)
	}
	return rights, nil
}

// tokenError says what to do besides what is wrong.
func tokenError(verb string, loaded *config.Loaded, err error) error {
	switch {
	case errors.Is(err, auth.ErrExists):
		return fmt.Errorf("%w; for a new secret: weir token rotate", err)
	case errors.Is(err, auth.ErrNotFound):
		return fmt.Errorf("%w in %s; see weir token list", err, statePath(loaded))
	case errors.Is(err, auth.ErrNoFile):
		return fmt.Errorf("%w; set WEIR_STATE_DIR", err)
	case errors.Is(err, auth.ErrName), errors.Is(err, auth.ErrNoRights):
		return fmt.Errorf("%s token: %w; %w", verb, err, errUsage)
	default:
		return fmt.Errorf("%s token: %w", verb, err)
	}
}

// listTokens prints a table, without the secrets unless they are asked for.
func listTokens(store *auth.Store, loaded *config.Loaded, secrets bool, stdout io.Writer) error {
	fixed := map[string]string{}
	for i, t := range loaded.Config.Access.Tokens {
		fixed[t.Name] = loaded.Origin(fmt.Sprintf("access.tokens[%d]", i))
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	head := "NAME\tRIGHTS\tCREATED\tFROM"
	if secrets {
		head += "\tTOKEN"
	}
	lines := []string{head}
	for _, t := range store.Tokens() {
		from, ok := fixed[t.Name]
		if !ok {
			from = statePath(loaded)
		}
		created := "-"
		if !t.Created.IsZero() {
			created = t.Created.UTC().Format(time.RFC3339)
		}
		line := strings.Join([]string{t.Name, joinRights(t.Rights), created, from}, "\t")
		if secrets {
			line += "\t" + t.Secret
		}
		lines = append(lines, line)
	}
	if _, err := io.WriteString(table, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func joinRights(rights []auth.Action) string {
	names := make([]string, len(rights))
	for i, right := range rights {
		names[i] = right.String()
	}
	return strings.Join(names, ",")
}
