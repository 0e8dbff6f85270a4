package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

const (
	secretPrefix = "weir_" // by which a secret is recognised where it does not belong
	mostTokens   = 1000
	mostName     = 64
	mostSecret   = 512
)

// A Token is a named secret and what its bearer may do. It prints and logs, and
// turns to JSON, without the secret.
type Token struct {
	Name   string
	Secret string `json:"-"`
	Rights []Action
	// Created is when the secret was made, zero where that is not known.
	Created time.Time
}

// String is the token without its secret.
func (t Token) String() string {
	rights := make([]string, 0, len(t.Rights))
	for _, a := range t.Rights {
		rights = append(rights, a.String())
	}
	return t.Name + " (" + strings.Join(rights, ", ") + ")"
}

// Format prints String, whatever the verb: %#v and %d would show the secret.
func (t Token) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, t.String()) // fmt keeps no error either
}

// LogValue is the token without its secret.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

func (t Token) clone() Token {
	t.Rights = slices.Clone(t.Rights)
	return t
}

// unless returns the token, or the error alone.
func (t Token) unless(err error) (Token, error) {
	if err != nil {
		return Token{}, err
	}
	return t, nil
}

// newToken makes a token with a secret of 130 random bits.
func newToken(name string, rights []Action) Token {
	return Token{
		Name: name, Secret: secretPrefix + rand.Text(), Rights: tidyRights(rights),
		Created: time.Now().UTC().Truncate(time.Second),
	}
}

// tidyRights returns each right once, in the order of their values.
func tidyRights(rights []Action) []Action {
	return slices.Compact(slices.Sorted(slices.Values(rights)))
}

// check says all that is wrong with the token, never with which secret.
func (t Token) check() (problems []error) {
	if !validName(t.Name) {
		problems = append(problems, ErrName)
	}
	if err := checkRights(t.Rights); err != nil {
		problems = append(problems, err)
	}
	switch {
	case t.Secret == "":
		problems = append(problems, errors.New("the secret is empty"))
	case len(t.Secret) > mostSecret:
		problems = append(problems, fmt.Errorf("the secret is longer than %d bytes", mostSecret))
	case strings.ContainsFunc(t.Secret, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		problems = append(problems, errors.New("the secret has a character that no HTTP field can carry: visible ASCII without spaces can"))
	}
	return problems
}

func checkRights(rights []Action) error {
	if len(rights) == 0 {
		return ErrNoRights
	}
	for _, a := range rights {
		if a < Play || a > Administer {
			return errors.New("there are no rights but play, publish and administer")
		}
	}
	return nil
}

func validName(name string) bool {
	if name == "" || len(name) > mostName || strings.ContainsRune("._-", rune(name[0])) {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		return !letter && (c < '0' || c > '9') && !strings.ContainsRune("._-", c)
	})
}
