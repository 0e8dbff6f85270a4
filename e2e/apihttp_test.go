//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// written is one request of api.http.
type written struct {
	title, name string
	status      int
	endless     bool
	method, url string
	header      [][2]string
	body        string
	bodyFile    string
	line        int // of the file
}

var (
	statusLine   = regexp.MustCompile(`^# (\d{3})(, without end)?$`)
	nameLine     = regexp.MustCompile(`^# @name (\w+)$`)
	variableLine = regexp.MustCompile(`^@(\w+) *= *(.*)$`)
	requestLine  = regexp.MustCompile(`^([A-Z]+) (\S+)$`)
	reference    = regexp.MustCompile(`\{\{([^}]+)\}\}`)
)

// parseRequests reads a file of the REST Client's format, as far as ours goes.
func parseRequests(text string) (variables map[string]string, all []*written, err error) {
	variables = map[string]string{}
	r := &written{}
	state := "before" // the request line; then header, body
	for i, line := range strings.Split(text+"\n###", "\n") {
		switch {
		case strings.HasPrefix(line, "###"):
			if r.method != "" {
				r.body = strings.TrimRight(r.body, "\n")
				if r.status == 0 {
					return nil, nil, fmt.Errorf("line %d: no status is expected of %s %s", r.line, r.method, r.url)
				}
				all = append(all, r)
			}
			r, state = &written{title: strings.TrimSpace(line[3:])}, "before"
		case state == "body" && strings.HasPrefix(line, "< "):
			r.bodyFile = line[2:]
		case state == "body":
			r.body += line + "\n"
		case state == "header" && line == "":
			state = "body"
		case state == "header":
			name, value, ok := strings.Cut(line, ": ")
			if !ok {
				return nil, nil, fmt.Errorf("line %d: %q is no header field", i+1, line)
			}
			r.header = append(r.header, [2]string{name, value})
		case statusLine.MatchString(line):
			m := statusLine.FindStringSubmatch(line)
			r.status, _ = strconv.Atoi(m[1])
			r.endless = m[2] != ""
		case nameLine.MatchString(line):
			r.name = nameLine.FindStringSubmatch(line)[1]
		case line == "", strings.HasPrefix(line, "#"):
		case variableLine.MatchString(line):
			m := variableLine.FindStringSubmatch(line)
			variables[m[1]] = m[2]
		case requestLine.MatchString(line):
			m := requestLine.FindStringSubmatch(line)
			r.method, r.url, r.line, state = m[1], m[2], i+1, "header"
		default:
			return nil, nil, fmt.Errorf("line %d: %q means nothing here", i+1, line)
		}
	}
	return variables, all, nil
}

// received is the answer to a named request.
type received struct {
	header http.Header
	body   []byte
}

// resolve puts values in the place of references.
func resolve(text string, variables map[string]string, named map[string]received) (string, error) {
	var failed error
	resolved := reference.ReplaceAllStringFunc(text, func(match string) string {
		path := match[2 : len(match)-2]
		if value, ok := variables[path]; ok {
			return value
		}
		name, rest, _ := strings.Cut(path, ".response.")
		answer, known := named[name]
		if field, ok := strings.CutPrefix(rest, "headers."); ok && known && answer.header.Get(field) != "" {
			return answer.header.Get(field)
		}
		if where, ok := strings.CutPrefix(rest, "body.$."); ok && known {
			if value, err := pick(answer.body, where); err == nil {
				return value
			}
		}
		failed = errors.Join(failed, fmt.Errorf("nothing is known of %s", match))
		return match
	})
	return resolved, failed
}

// pick reads a value of a JSON text by a path such as sessions[0].id.
func pick(text []byte, path string) (string, error) {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return "", err
	}
	for _, step := range strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' }) {
		switch in := value.(type) {
		case map[string]any:
			value = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				return "", fmt.Errorf("no %s", step)
			}
			value = in[i]
		default:
			return "", fmt.Errorf("no %s", step)
		}
	}
	word, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%s is no string", path)
	}
	return word, nil
}

// TestAPIHTTP runs api.http top to bottom against a fresh server; every answer is as the API's description has it, and
// every operation of that is among them.
func TestAPIHTTP(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../api.http")
	if err != nil {
		t.Fatal(err)
	}
	variables, requests, err := parseRequests(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"host", "token", "other", "otherToken"} {
		if variables[name] == "" {
			t.Errorf("api.http has no variable %s", name)
		}
	}
	const token = "weir_of-the-test-that-runs-api.http"
	const otherToken = "weir_of-the-server-that-is-another"
	server := start(t, build(t, "1"), "127.0.0.1:0", "WEIR_ADMIN_TOKEN="+token, "WEIR_MEDIA_DIR="+t.TempDir(), "WEIR_RELAY_HOSTS=127.0.0.1:*")
	other := start(t, build(t, "1"), "127.0.0.1:0", "WEIR_ADMIN_TOKEN="+otherToken)
	variables["host"], variables["token"] = server.base, token
	variables["other"], variables["otherToken"] = other.base, otherToken
	d := loadAPI(t)
	named, seen := map[string]received{}, map[string]bool{}
	for _, r := range requests {
		t.Run(fmt.Sprintf("line %d %s %s", r.line, r.method, r.title), func(t *testing.T) {
			request := r.request(t, variables, named)
			response, err := http.DefaultTransport.RoundTrip(request) // which follows nothing
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			var body []byte
			if r.endless {
				body = make([]byte, 32)
				n, err := response.Body.Read(body)
				if body = body[:n]; err != nil {
					t.Errorf("it ends: %v", err)
				}
			} else if body, err = io.ReadAll(response.Body); err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != r.status {
				t.Errorf("%s: want %d: %s", response.Status, r.status, body)
			}
			if operation := d.validate(t, request, response, body); operation != "" {
				seen[operation] = true
			}
			if r.name != "" {
				named[r.name] = received{response.Header, body}
			}
		})
	}
	for path, item := range d.document.Paths.Map() {
		for method := range item.Operations() {
			if !seen[method+" "+path] {
				t.Errorf("api.http has no %s %s", method, path)
			}
		}
	}
	if log := server.log.String() + other.log.String(); strings.Contains(log, token) || strings.Contains(log, otherToken) {
		t.Error("a token is in the log")
	}
}

func (r *written) request(t *testing.T, variables map[string]string, named map[string]received) *http.Request {
	t.Helper()
	url, err := resolve(r.url, variables, named)
	if err != nil {
		t.Fatal(err)
	}
	body, err := resolve(r.body, variables, named)
	if err != nil {
		t.Fatal(err)
	}
	if r.bodyFile != "" {
		text, err := os.ReadFile(filepath.Join("..", r.bodyFile))
		if err != nil {
			t.Fatal(err)
		}
		body = string(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), r.method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range r.header {
		value, err := resolve(field[1], variables, named)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Add(field[0], value)
	}
	return request
}

// apiDescription is api/openapi.yaml.
type apiDescription struct {
	document *openapi3.T
	router   routers.Router
}

func loadAPI(t *testing.T) *apiDescription {
	t.Helper()
	asText := func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		all, err := io.ReadAll(body)
		return string(all), err
	}
	for _, mediaType := range []string{
		"application/sdp", "application/trickle-ice-sdpfrag", "text/event-stream", "text/html", "text/javascript",
	} {
		openapi3filter.RegisterBodyDecoder(mediaType, asText)
	}
	document, err := openapi3.NewLoader().LoadFromFile("../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return &apiDescription{document, router}
}

// validate wants the answer, and a request that was taken, to be as described and returns the operation, "" where none is meant.
func (d *apiDescription) validate(t *testing.T, request *http.Request, response *http.Response, body []byte) string {
	t.Helper()
	look := request.Clone(context.Background())
	look.Body = http.NoBody
	route, parameters, err := d.router.FindRoute(look)
	if errors.Is(err, routers.ErrMethodNotAllowed) && request.Method == http.MethodHead { // it is as GET
		look.Method = http.MethodGet
		route, parameters, err = d.router.FindRoute(look)
	}
	if err != nil {
		if !slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed}, response.StatusCode) {
			t.Errorf("%s: %v", response.Status, err)
		}
		return ""
	}
	if response.StatusCode < http.StatusMultipleChoices {
		sent := request.Clone(context.Background())
		if sent.Body, err = request.GetBody(); err != nil {
			t.Fatal(err)
		}
		if err := openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
			Request: sent, PathParams: parameters, Route: route,
			Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}); err != nil {
			t.Errorf("it was taken and is not as described: %v", err)
		}
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: look, PathParams: parameters, Route: route},
		Status:                 response.StatusCode, Header: response.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: request.Method == http.MethodHead},
	}
	input.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("not as described: %v\n%s", err, body)
	}
	return route.Method + " " + route.Path
}
