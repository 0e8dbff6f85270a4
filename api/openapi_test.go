package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"weir/api"
)

// description is openapi.yaml, checked, with a router of its own.
type description struct {
	document *openapi3.T
	router   routers.Router
}

var loadDescription = sync.OnceValues(func() (*description, error) {
	text := func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		all, err := io.ReadAll(body)
		return string(all), err
	}
	for _, mediaType := range []string{
		"application/sdp", "application/trickle-ice-sdpfrag", "application/zip", "image/svg+xml", "text/css", "text/event-stream", "text/html", "text/javascript",
	} {
		openapi3filter.RegisterBodyDecoder(mediaType, text)
	}
	document, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	// Examples are validated too: it is the default.
	if err := document.Validate(context.Background()); err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		return nil, err
	}
	return &description{document, router}, nil
})

func described(t *testing.T) *description {
	t.Helper()
	d, err := loadDescription()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// everyAnswer are the fields that all answers may have, said once in the description's introduction or by HTTP itself.
var everyAnswer = []string{"Content-Length", "Content-Type", "Referrer-Policy", "X-Content-Type-Options", "X-Request-Id"}

// validate wants an answer to be one that the description has: status, header fields and body.
func validate(t *testing.T, r *http.Request, a answer) {
	t.Helper()
	d := described(t)
	for _, name := range everyAnswer[2:] {
		if a.Header.Get(name) == "" {
			t.Errorf("%s %s: %d without %s", r.Method, r.URL, a.StatusCode, name)
		}
	}
	route, parameters, err := d.find(r)
	if err != nil { // no such path, or method: the introduction says how that is answered
		d.validateGeneral(t, r, a, err)
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route},
		Status:                 a.StatusCode, Header: a.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes([]byte(a.Body))
	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("%s %s: %d is not as described: %v\n%s", r.Method, r.URL, a.StatusCode, err, a.Body)
	}
	if a.StatusCode < http.StatusMultipleChoices {
		validateRequest(t, r, route, parameters)
	}
	response := route.Operation.Responses.Status(a.StatusCode)
	if response == nil {
		t.Errorf("%s %s: %d is not described", r.Method, r.URL, a.StatusCode)
		return
	}
	for name := range a.Header {
		if _, found := response.Value.Headers[canonicalIn(response.Value.Headers, name)]; !found && !slices.Contains(everyAnswer, name) &&
			a.StatusCode != http.StatusPartialContent && a.StatusCode != http.StatusNotModified && a.StatusCode != http.StatusPreconditionFailed &&
			a.StatusCode != http.StatusRequestedRangeNotSatisfiable {
			t.Errorf("%s %s: %d has the field %s, which is not described", r.Method, r.URL, a.StatusCode, name)
		}
	}
}

// validateRequest wants a request that was taken to be one that the description has: query, header fields and body. HEAD is
// as GET. Tokens are checked by the server alone.
func validateRequest(t *testing.T, r *http.Request, route *routers.Route, parameters map[string]string) {
	t.Helper()
	sent := r.Clone(t.Context())
	sent.Body = http.NoBody
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		sent.Body = body
	}
	input := &openapi3filter.RequestValidationInput{
		Request: sent, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
		t.Errorf("%s %s: it was taken and is not as described: %v", r.Method, r.URL, err)
	}
}

// canonicalIn finds a field's name as the description spells it: ETag, not Etag.
func canonicalIn(headers openapi3.Headers, name string) string {
	for spelled := range headers {
		if strings.EqualFold(spelled, name) {
			return spelled
		}
	}
	return name
}

// find finds the operation that a request is of: HEAD is as GET where it is not described by itself, and a file of the
// pages may stand in a folder.
func (d *description) find(r *http.Request) (*routers.Route, map[string]string, error) {
	look := r.Clone(context.Background())
	look.Body = http.NoBody
	for _, prefix := range []string{"/static/", "/api/v1/files/"} {
		if file, ok := strings.CutPrefix(r.URL.Path, prefix); ok {
			look.URL = &url.URL{Path: prefix + strings.ReplaceAll(file, "/", "-")}
		}
	}
	route, parameters, err := d.router.FindRoute(look)
	if errors.Is(err, routers.ErrMethodNotAllowed) && r.Method == http.MethodHead {
		look.Method = http.MethodGet
		return d.router.FindRoute(look)
	}
	return route, parameters, err
}

// validateGeneral validates what holds for every address.
func (d *description) validateGeneral(t *testing.T, r *http.Request, a answer, why error) {
	t.Helper()
	wrongMethod := errors.Is(why, routers.ErrMethodNotAllowed)
	switch {
	case a.StatusCode == http.StatusNoContent && r.Method == http.MethodOptions && wrongMethod:
		if a.Header.Get("Allow") == "" || a.Body != "" {
			t.Errorf("OPTIONS %s: Allow %q, body %q", r.URL, a.Header.Get("Allow"), a.Body)
		}
		return
	case a.StatusCode == http.StatusNotFound && a.Header.Get("Content-Type") == "text/html; charset=utf-8" && !wrongMethod:
		return
	case a.StatusCode == http.StatusNotFound && !wrongMethod, a.StatusCode == http.StatusMethodNotAllowed && a.Header.Get("Allow") != "",
		a.StatusCode == http.StatusMisdirectedRequest, a.StatusCode == http.StatusForbidden:
	default:
		t.Errorf("%s %s: %d where there is no operation (%v)", r.Method, r.URL, a.StatusCode, why)
	}
	if r.Method == http.MethodHead {
		return
	}
	var body any
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s: %d %q is no problem", r.Method, r.URL, a.StatusCode, a.Body)
		return
	}
	if err := d.document.Components.Schemas["Problem"].Value.VisitJSON(body); err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
}

var parameterPattern = regexp.MustCompile(`[:*](\w+)`)

// No route is undescribed, and none is described that is not there.
func TestDescriptionHasTheRoutes(t *testing.T) {
	var is, said []string
	for _, r := range api.AllRoutes() {
		is = append(is, r.Method+" "+parameterPattern.ReplaceAllString(r.Pattern, "{$1}"))
	}
	for path, item := range described(t).document.Paths.Map() {
		for method := range item.Operations() {
			said = append(said, method+" "+path)
		}
	}
	slices.Sort(is)
	slices.Sort(said)
	if diff := cmp.Diff(is, said); diff != "" {
		t.Errorf("routes (-) and description (+):\n%s", diff)
	}
}

// What is described of a route's right is what the table has.
func TestDescriptionHasTheRights(t *testing.T) {
	d := described(t).document
	for _, r := range api.AllRoutes() {
		operation := d.Paths.Find(parameterPattern.ReplaceAllString(r.Pattern, "{$1}")).GetOperation(r.Method)
		if operation.Security == nil {
			t.Errorf("%s %s: nothing said of who may", r.Method, r.Pattern)
			continue
		}
		var may []string
		for _, one := range *operation.Security {
			if len(one) == 0 {
				may = append(may, "anybody")
			}
			for name := range one {
				may = append(may, name)
			}
		}
		want := map[string][]string{"admin": {"bearer"}, "listed": {"anybody", "bearer"}, "plays": {"anybody", "bearer"}, "publishes": {"bearer"}}[r.Right]
		if r.Right == "plays" && (r.Method == http.MethodHead || r.Method == http.MethodOptions) || r.Right == "publishes" && r.Method != http.MethodPost && !strings.HasPrefix(r.Pattern, "/api/") {
			want = nil
		}
		if diff := cmp.Diff(want, may); diff != "" {
			t.Errorf("%s %s: right (-) and description (+):\n%s", r.Method, r.Pattern, diff)
		}
	}
}

// Each response says the fields that every refusal has, and each operation the statuses that every one may have.
func TestDescriptionIsWhole(t *testing.T) {
	for path, item := range described(t).document.Paths.Map() {
		for method, operation := range item.Operations() {
			for _, status := range []int{http.StatusMisdirectedRequest, http.StatusInternalServerError} {
				if operation.Responses.Status(status) == nil {
					t.Errorf("%s %s: no %d", method, path, status)
				}
			}
			for status, response := range operation.Responses.Map() {
				_, problem := response.Value.Content["application/problem+json"]
				if _, ok := response.Value.Headers["Cache-Control"]; problem && !ok {
					t.Errorf("%s %s: %s without Cache-Control", method, path, status)
				}
				if _, ok := response.Value.Headers["WWW-Authenticate"]; status == "401" && !ok {
					t.Errorf("%s %s: 401 without WWW-Authenticate", method, path)
				}
				if _, ok := response.Value.Headers["Retry-After"]; (status == "503" || status == "429") && !ok {
					t.Errorf("%s %s: %s without Retry-After", method, path, status)
				}
			}
		}
	}
}

// The two forms say the same, and the JSON loads by itself.
func TestDescriptionIsServed(t *testing.T) {
	h, _ := newFace(t, nil)
	inYAML, inJSON := do(t, h, "GET", "/openapi.yaml"), do(t, h, "GET", "/openapi.json")
	source, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if inYAML.Body != string(source) || inYAML.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%s: not what is written", inYAML.Header.Get("Content-Type"))
	}
	var texts [][]byte
	for _, source := range []string{inYAML.Body, inJSON.Body} {
		document, err := openapi3.NewLoader().LoadFromData([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("YAML and JSON differ")
	}
	if again := do(t, h, "GET", "/openapi.json", "If-None-Match", inJSON.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("asked whether it changed: %d", again.StatusCode)
	}
}
