package stream_test

import (
	"testing"

	"weir/internal/codec"
	"weir/stream"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	r := stream.New(stream.Options{})
	first, leaveFirst := r.Await("live")
	second, leaveSecond := r.Await("live")
	other, leaveOther := r.Await("other")
	leaveFirst()
	if closed(first) || closed(second) {
		t.Fatal("nobody publishes, and those who wait are told so")
	}
	p, err := r.Publish("live", "test", []stream.Spec{{Format: codec.Format{Name: codec.VP8, ClockRate: 90000}}})
	if err != nil {
		t.Fatal(err)
	}
	late, leaveLate := r.Await("live")
	if !closed(second) || !closed(late) || closed(other) {
		t.Error("those who wait are not told, or those who wait for another stream are")
	}
	p.Close("end of test")
	again, leaveAgain := r.Await("live")
	if closed(again) {
		t.Error("the stream has ended")
	}
	for _, leave := range []func(){leaveSecond, leaveOther, leaveLate, leaveAgain} {
		leave()
	}
	if n := r.Awaited(); n != 0 {
		t.Errorf("%d names are remembered", n)
	}
}
