//go:build e2e

package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestDocs reads and tries out the API's description with all network but the server cut off.
func TestDocs(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin)
	type tried struct {
		Status int
		Curl   string
	}
	var got struct {
		clean
		Address                string
		Operations, Validator  int
		Before, Between, After int // what the server says of the stream
		Started, Stopped       tried
		Redoc                  struct { // an operation, come to by the menu, and in the soak loaded again
			Address string
			Path    bool
		}
		Outside []string
	}
	run(t, "docs.mjs", server.base, adminToken).report(t, &got)
	got.judge(t)
	for _, address := range got.Outside {
		t.Errorf("another host is asked: %s", address)
	}
	if got.Address != server.base+"/docs" {
		t.Errorf("the address is %s", got.Address)
	}
	if got.Operations < 15 || got.Validator != 0 {
		t.Errorf("%d operations, %d validator badges", got.Operations, got.Validator)
	}
	if got.Started.Status != http.StatusCreated || got.Stopped.Status != http.StatusNoContent {
		t.Errorf("started with %+v, stopped with %+v", got.Started, got.Stopped)
	}
	if !strings.Contains(got.Started.Curl, "Bearer TOKEN") {
		t.Errorf("the token was not filled in: %s", got.Started.Curl)
	}
	if got.Before != http.StatusNotFound || got.Between != http.StatusOK || got.After != http.StatusNotFound {
		t.Errorf("the stream is answered %d, %d, %d", got.Before, got.Between, got.After)
	}
	if r := got.Redoc; !r.Path || !strings.HasPrefix(r.Address, server.base+"/redoc#") {
		t.Errorf("ReDoc shows %+v", got.Redoc)
	}
}
