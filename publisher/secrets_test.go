package publisher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/publisher"
)

const (
	secretSchema = `{"type":"object","additionalProperties":false,"required":["url"],"properties":{
		"url":{"type":"string"},"token":{"type":"string"},"key":{"type":"string","writeOnly":true}}}`
	token = "tok/en with=blank"
	key   = "a-key-that-nobody-sees"
)

// TestSecrets: what is secret reaches the source, and nothing that is told: status, events, log, errors. A change keeps it.
func TestSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("remote")
		s.kind.Schema, s.kind.Secrets = json.RawMessage(secretSchema), []string{"token"}
		var told strings.Builder
		h := openWith(t, publisher.SupervisorOptions{
			Logger: slog.New(slog.NewTextHandler(&told, nil)), Kinds: []publisher.Kind{s.kind},
		})
		clean := func(where, text string) {
			t.Helper()
			for _, secret := range []string{token, key, url.QueryEscape(token), url.PathEscape(token)} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds %q: %s", where, secret, text)
				}
			}
		}
		params := fmt.Sprintf(`{"url":"u","token":%q,"key":%q}`, token, key)
		st := h.start("a", "remote", params)
		if got := string(st.Params); got != `{"url":"u"}` {
			t.Errorf("status shows %s", got)
		}
		if all := h.All(); string(all[0].Params) != `{"url":"u"}` {
			t.Errorf("the list shows %s", all[0].Params)
		}

		st, err := h.Change("a", publisher.Change{Params: json.RawMessage(`{"url":"v"}`)})
		if err != nil || string(st.Params) != `{"url":"v"}` {
			t.Errorf("changed to %s, %v", st.Params, err)
		}
		made, _, _ := s.seen()
		if want := fmt.Sprintf(`{"key":%q,"token":%q,"url":"v"}`, key, token); made[len(made)-1] != want {
			t.Errorf("made with %s, want %s", made[len(made)-1], want)
		}

		failure := errors.New("cannot open https://h/?t=" + url.QueryEscape(token) + " with " + token + " and " + key)
		s.does(func(context.Context) error { return fmt.Errorf("%w: %w", failure, publisher.ErrPublicationEnded) })
		if _, err := h.Change("a", publisher.Change{Params: json.RawMessage(`{"url":"w","key":"` + key + `"}`)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.does(func(context.Context) error { return failure })
		time.Sleep(time.Minute)
		st, _ = h.Status("a")
		if !strings.Contains(st.Reason, "cannot open https://h/?t=… with … and …") {
			t.Errorf("the reason is %q", st.Reason)
		}
		clean("reason", st.Reason)

		s.makes(func() error { return failure })
		_, err = h.Change("a", publisher.Change{Params: json.RawMessage(`{"url":"x"}`)})
		clean("error", fmt.Sprint(err))
		s.makes(func() error {
			return &publisher.ParamError{Problems: []publisher.ParamProblem{{Name: "token", Detail: "is not " + token}}}
		})
		_, err = h.Change("a", publisher.Change{Params: json.RawMessage(`{"url":"x"}`)})
		if problems, ok := errors.AsType[*publisher.ParamError](err); !ok || problems.Problems[0].Detail != "is not …" {
			t.Errorf("got %v", err)
		}
		s.makes(nil)

		h.end()
		clean("log", told.String())
		clean("events", strings.Join(h.told(), "\n"))
		if !strings.Contains(told.String(), "…") {
			t.Error("the log tells no reason")
		}
	})
}
