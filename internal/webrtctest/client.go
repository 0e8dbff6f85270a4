package webrtctest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A Client sends single HTTP requests and shows the replies as they are: it
// follows no redirect. It may be used from many goroutines. Close frees its
// connections.
type Client struct {
	http *http.Client //nolint:forbidigo // a player is an HTTP client
}

// A Reply is an HTTP reply that was read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// MediaType is the reply's Content-Type without parameters, in lower case.
func (r *Reply) MediaType() string {
	name, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(name))
}

// NewClient makes a Client with connections of its own.
func NewClient() *Client {
	return &Client{http: &http.Client{ //nolint:forbidigo // a player is an HTTP client
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do sends one request. Fields are names and values in turn.
func (c *Client) Do(ctx context.Context, method, url, body string, fields ...string) (*Reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		request.Header.Add(fields[i], fields[i+1])
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", method, err)
	}
	read, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read the reply to %s: %w", method, err)
	}
	reply := &Reply{Status: response.StatusCode, Header: response.Header, Body: string(read)}
	return reply, noteSecrets(request.Header, body, reply)
}

// Close closes the connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }
