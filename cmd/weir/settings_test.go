package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/config"
	"weir/internal/webrtctest"
	"weir/publisher/device"
	"weir/session"
)

const adminToken = "hunter2-administers"

// What is configured reaches the room that it is meant for.
func TestSettingsAreUsed(t *testing.T) {
	p := startWith(t, newOutput(), []string{
		"WEIR_ADMIN_TOKEN=" + adminToken, "WEIR_LIMITS_SESSIONS=1", "WEIR_LIMITS_OFFER=16KiB", "WEIR_LIMITS_FRAGMENT=1KiB",
		"WEIR_HTTP_HOSTS=weir.example.org",
	})
	player := p.watch(t, webrtctest.Options{})
	_, err := webrtctest.Play(t.Context(), p.url+"/whep/test", webrtctest.Options{})
	if refused, ok := errors.AsType[*webrtctest.Refused](err); !ok || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("a second session: %v", err)
	}
	if reply, err := player.Patch(t.Context(), strings.Repeat("a=x\r\n", 1<<10), player.Created().Header.Get("ETag")); err != nil || reply.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long fragment: %v %+v", err, reply)
	}
	long := newRequest(t, http.MethodPost, p.url+"/whep/test", strings.Repeat("a=x\r\n", 16<<10))
	long.Header.Set("Content-Type", "application/sdp")
	if status, _ := exchange(t, long); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long offer: %d", status)
	}
	for host, want := range map[string]int{"weir.example.org": 200, "weir.example.org:80": 200, "localhost": 200, "elsewhere.example.org": 421} {
		r := newRequest(t, http.MethodGet, p.url+"/readyz", "")
		r.Host = host
		if status, _ := exchange(t, r); status != want {
			t.Errorf("host %s: %d, want %d", host, status, want)
		}
	}
}

// Sources are started and stopped by the API, and those that cannot run say why.
func TestSourcesAreWired(t *testing.T) {
	p := startWith(t, newOutput(), []string{"WEIR_ADMIN_TOKEN=" + adminToken})
	send := func(method, path, body string) (int, string) {
		r := newRequest(t, method, p.url+path, body)
		r.Header.Set("Authorization", "Bearer "+adminToken)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		return exchange(t, r)
	}
	for _, kind := range []string{"pattern", "clip", "camera", "file"} {
		if status, text := send(http.MethodGet, "/api/v1/sources", ""); status != http.StatusOK || !strings.Contains(text, `"`+kind+`"`) {
			t.Errorf("no kind %s: %d %s", kind, status, text)
		}
	}
	if status, text := send(http.MethodPost, "/api/v1/streams/other", `{"source": "clip", "private": true}`); status != http.StatusCreated {
		t.Errorf("start: %d %s", status, text)
	}
	if status, text := exchange(t, newRequest(t, http.MethodGet, p.url+"/api/v1/streams", "")); status != http.StatusOK || strings.Contains(text, "other") || !strings.Contains(text, `"test"`) {
		t.Errorf("what everybody sees: %d %s", status, text)
	}
	cannot := "This source cannot run: "
	if err := device.Missing(); err != nil {
		cannot = "no encoder is built in"
	}
	for request, want := range map[string]string{
		`{"source": "file"}`: "There is no media folder",
		`{"source": "camera", "params": {"device": "none of this name"}}`: cannot,
	} {
		if status, text := send(http.MethodPost, "/api/v1/streams/more", request); status != http.StatusUnprocessableEntity || !strings.Contains(text, want) {
			t.Errorf("start %s: %d %s", request, status, text)
		}
	}
	if status, text := send(http.MethodDelete, "/api/v1/streams/other", ""); status != http.StatusNoContent {
		t.Errorf("stop: %d %s", status, text)
	}
}

// Event streams are told what all rooms report, and end with the program at once.
func TestEventsEnd(t *testing.T) {
	p := startWith(t, newOutput(), []string{"WEIR_ADMIN_TOKEN=" + adminToken})
	p.watch(t, webrtctest.Options{})
	r := newRequest(t, http.MethodGet, p.url+"/api/v1/events?since=0", "")
	r.Header.Set("Authorization", "Bearer "+adminToken)
	reply, err := transport().RoundTrip(r) //nolint:bodyclose // whoever reads it closes it
	if err != nil {
		t.Fatal(err)
	}
	heard := newOutput()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(heard, reply.Body)
		ended <- errors.Join(err, reply.Body.Close())
	}()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := webrtctest.Wait(ctx, func() string {
		for _, name := range []string{"stream_live", "source_started", "session_created", "session_connected"} {
			if !strings.Contains(heard.String(), "event: "+name+"\n") {
				return "no event " + name + " in\n" + heard.String()
			}
		}
		return ""
	}); err != nil {
		t.Error(err)
	}
	began := time.Now()
	if err := p.end(); err != nil {
		t.Error(err)
	}
	webrtctest.InTime(t, "the end, if the event stream is not waited for", time.Since(began), drainTime/3)
	if err := <-ended; err != nil {
		t.Errorf("the event stream: %v", err)
	}
}

func transport() *http.Transport { return &http.Transport{DisableKeepAlives: true} }

func newRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// exchange sends a request and returns the answer.
func exchange(t *testing.T, r *http.Request) (status int, body string) {
	t.Helper()
	reply, err := transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reply.Body)
	if err := errors.Join(err, reply.Body.Close()); err != nil {
		t.Error(err)
	}
	return reply.StatusCode, string(text)
}

// Policies and their bounds are stream by stream.
func TestPoliciesAreUsed(t *testing.T) {
	p := startWith(t, newOutput(), []string{"WEIR_ADMIN_TOKEN=" + adminToken, "WEIR_STREAMS_WAITING_ROOM=*=hold,now=refuse", "WEIR_STREAMS_HOLD_TIME=1s"})
	for stream, held := range map[string]bool{"later": true, "now": false} {
		begun := time.Now()
		_, err := webrtctest.Play(t.Context(), p.url+"/whep/"+stream, webrtctest.Options{})
		if refused, ok := errors.AsType[*webrtctest.Refused](err); !ok || refused.Status != http.StatusConflict {
			t.Errorf("%s: %v", stream, err)
		}
		if took := time.Since(begun); held && took < time.Second {
			t.Errorf("%s is refused after %v", stream, took)
		}
	}
	policy := policyOf(config.Streams{WaitingRoom: []string{"a=hold", "b=refuse"}, TakeOver: []string{"*=hold", "a=refuse", "b=take_over"}})
	for stream, want := range map[string]session.Policy{
		"a": {Early: session.EarlyHold, TakeOver: session.TakeOverRefuse},
		"b": {},
		"c": {TakeOver: session.TakeOverHold},
	} {
		if got := policy(stream); got != want {
			t.Errorf("%s: %+v, want %+v", stream, got, want)
		}
	}
}
