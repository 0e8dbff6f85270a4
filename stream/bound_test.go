package stream_test

import (
	"fmt"
	"sync"
	"testing"

	"weir/stream"
)

// Caches are made smaller while other streams, whose caches go with them, come
// and go: in the end nothing is counted that is gone. The race detector watches.
func TestShrinkAndRelease(t *testing.T) {
	r := stream.New(stream.Options{Workers: 1, Join: stream.JoinOptions{CacheBytes: 1}})
	var wg sync.WaitGroup
	for i := range 7 {
		wg.Go(func() {
			for range 300 {
				p, err := r.Publish(fmt.Sprint("test", i), "a", []stream.Spec{vp8()})
				if err != nil {
					t.Error(err)
					return
				}
				for n := range uint16(3) {
					p.Tracks()[0].WriteRTP(p, packet(n, 0, append([]byte{0x10, 0}, make([]byte, 1000)...)))
				}
				p.Close("end of media")
			}
		})
	}
	wg.Wait()
	if n := stream.Cached(r); n != 0 {
		t.Errorf("%d bytes of streams that are gone", n)
	}
}
