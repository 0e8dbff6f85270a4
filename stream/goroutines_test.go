package stream_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"weir/stream"
)

// A viewer costs no goroutine, neither while it waits for a key frame nor while
// it is sent packets, reports and retransmissions, nor when it has gone.
func TestViewersHaveNoGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{Workers: 2})
		p := publish(t, r, "a", h264(), opus())
		src := newSource(p, 10)
		src.write()
		first, _ := watch(t, p, true)
		synctest.Wait()
		before := runtime.NumGoroutine()
		same := func(when string) {
			t.Helper()
			synctest.Wait()
			if now := runtime.NumGoroutine(); now > before {
				t.Errorf("%s: %d goroutines, %d with one viewer", when, now, before)
			}
		}
		viewers := []*stream.Viewer{first}
		var records []*recorder
		for range 200 {
			v, rec := watch(t, p, true)
			viewers, records = append(viewers, v), append(records, rec)
		}
		same("200 more that wait")
		for range 60 {
			src.write()
			time.Sleep(33 * time.Millisecond)
		}
		same("in play")
		for i, rec := range records {
			got := rec.packets()
			if len(got) < 50 || len(rec.reports) == 0 {
				t.Fatalf("viewer %d got %d packets and %d reports", i, len(got), len(rec.reports))
			}
			viewers[i+1].DownTracks()[0].NACK([]rtcp.NackPair{{PacketID: got[40].header.SequenceNumber}})
		}
		same("asked for packets again")
		if st := viewers[1].Stats().DownTracks[0]; st.Resent != 1 {
			t.Errorf("resent %d", st.Resent)
		}
		for _, v := range viewers[1:] {
			v.Close()
		}
		same("they have gone")
	})
}
