package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"weir/auth"
	"weir/config"
)

// A WHIP client that knows no stream publishes into the one that is configured
// for its token's name; a token without one is told so.
func TestPublishStreams(t *testing.T) {
	c := config.Default()
	c.HTTP.Addr, c.Publish.Streams = "127.0.0.1:0", []string{"studio=lobby"}
	s := runServer(t, c, auth.Options{Fixed: []auth.Token{
		{Name: "studio", Secret: "weir_of-the-studio-in-this-test", Rights: []auth.Action{auth.Publish}},
		{Name: "other", Secret: "weir_of-another-in-this-one-test", Rights: []auth.Action{auth.Publish}},
	}})
	offer, err := os.ReadFile("../../session/negotiate/testdata/offers/publish/node-datachannel-0.33.4.sdp")
	if err != nil {
		t.Fatal(err)
	}
	_, sdp, _ := strings.Cut(string(offer), "v=0\n") // where it comes from stands in front
	for secret, want := range map[string]int{"weir_of-the-studio-in-this-test": http.StatusCreated, "weir_of-another-in-this-one-test": http.StatusNotFound} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.listener.Addr().String()+"/whip", strings.NewReader("v=0\r\n"+strings.ReplaceAll(sdp, "\n", "\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/sdp")
		request.Header.Set("Authorization", "Bearer "+secret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d, want %d: %s", response.StatusCode, want, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if _, ok := s.registry.Find("lobby"); !ok {
		t.Error("nobody publishes into the lobby")
	}
}
