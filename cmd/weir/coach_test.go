package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/pion/rtp"

	"weir/internal/webrtctest"
)

// The program's coach looks at what publishers send, and tells: in the API, among
// the events and in the log.
func TestCoachTells(t *testing.T) {
	t.Parallel()
	const admin = "weir_admin-of-the-coach-test"
	p := startWith(t, newOutput(), append(stateIn(t.TempDir()), "WEIR_ADMIN_TOKEN="+admin))
	fields := []string{"Authorization", "Bearer " + admin}
	publisher, err := webrtctest.Publish(t.Context(), p.url+"/whip/live", webrtctest.PublishOptions{Fields: fields, NoAudio: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		feed := webrtctest.Feed{Packets: 1, OnPacket: func(_ string, _ int, packet *rtp.Packet) {
			if packet.SequenceNumber%2 == 0 && packet.Payload[0] == 0x41 { // not a key frame's
				packet.Payload[1] = 0x9e // a slice of a B-picture
			}
		}}
		if err := publisher.Feed(ctx, feed); err != nil {
			t.Errorf("feed: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := publisher.Close(); err != nil {
			t.Errorf("close publisher: %v", err)
		}
	})
	client := webrtctest.NewClient()
	t.Cleanup(client.Close)
	webrtctest.Until(t, soon, func() string {
		reply, err := client.Do(t.Context(), "GET", p.url+"/api/v1/streams/live", "", fields...)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(reply.Body, `"code":"b_frames","severity":"error"`) {
			return "a finding in " + reply.Body
		}
		return ""
	})
	if log := p.stderr.String(); !strings.Contains(log, `level=WARN msg="a publisher should change something" stream=live code=b_frames`) {
		t.Errorf("the log does not tell: %s", log)
	}
}
