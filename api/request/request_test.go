package request_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/api/request"
	"weir/internal/wish"
)

// object reads a body as one JSON object.
func object(body string) (name *string, count *int, inner json.RawMessage, err error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", request.TypeJSON)
	err = request.ReadObject(httptest.NewRecorder(), r, "Accept-Post", []string{request.TypeJSON},
		request.Member{Name: "name", Into: &name}, request.Member{Name: "count", Into: &count}, request.Member{Name: "inner", Into: &inner})
	return name, count, inner, err
}

// All that is wrong is named, and nothing but that.
func TestProblemsAreNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{"name":"a","count":1,"inner":{"on":true}}`: "",
		`{"name":1,"count":"x"}`:                     "name must be a string; count must be a whole number",
		`{"nome":1,"count":null}`:                    "nome is not known here; count must be a whole number",
		`{"inner":{"on":1,"off":2}}`:                 "inner.off is not known here; inner.on must be true or false",
	} {
		_, _, inner, err := object(body)
		if err == nil && inner != nil {
			var on *bool
			err = request.ReadInner("inner", inner, request.Member{Name: "on", Into: &on})
		}
		var problems []string
		if refusal, ok := errors.AsType[*wish.Refusal](err); ok {
			for _, p := range refusal.Problems {
				problems = append(problems, p.Name+" "+p.Detail)
			}
		}
		if got := strings.Join(problems, "; "); got != want || (err == nil) != (want == "") {
			t.Errorf("%s: %q %v, want %q", body, got, err, want)
		}
	}
}

// A member that comes twice is found whatever stands before it.
func TestTwice(t *testing.T) {
	for _, body := range []string{`{"name":"a","name":"b"}`, `{"inner":{"a":1e999,"b":1,"b":2}}`, `{"inner":{"a":[{},{"b":-1e999,"b":2}]}}`} {
		if _, _, _, err := object(body); err == nil {
			t.Errorf("%s was taken", body)
		}
	}
}

// What is taken is JSON, and means what encoding/json says that it does.
func FuzzObject(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"name":"a","count":1,"inner":{"a":[{"b":1}]}}`, `{"name":"a","name":"b"}`, `{"inner":{"a":1,"a":2}}`, `{"inner":{"a":[1,{"b":1,"b":2}]}}`,
		`[]`, `null`, `{`, `{"count":1e999}`, `{"name":null}`, `{} {}`, "\xff", `{"\u006eame":"x","name":"y"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		name, count, _, err := object(body)
		if err != nil {
			if _, ok := errors.AsType[*wish.Refusal](err); !ok {
				t.Errorf("%q: %v is no refusal", body, err)
			}
			return
		}
		var want struct {
			Name  *string `json:"name"`
			Count *int    `json:"count"`
			Inner map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		if diff := cmp.Diff([]any{want.Name, want.Count}, []any{name, count}); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
	})
}
