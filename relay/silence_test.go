package relay_test

import (
	"strings"
	"testing"
	"time"

	"weir/relay"
)

// Five seconds without anything are told of, and nothing shorter.
func TestSilenceIsTold(t *testing.T) {
	begin := time.Now()
	why := relay.Silence()
	for _, look := range []struct {
		at      time.Duration
		packets uint64
		begun   bool
		want    string
	}{
		{0, 0, false, ""},
		{4900 * time.Millisecond, 9, false, ""}, // they cannot be shown
		{5 * time.Second, 12, false, "has come from it yet"},
		{6 * time.Second, 20, true, ""},
		{8 * time.Second, 30, true, ""},
		{12900 * time.Millisecond, 30, true, ""},
		{13 * time.Second, 30, true, "comes from it any more"},
		{14 * time.Second, 31, true, ""},
	} {
		got := why(begin.Add(look.at), look.packets, look.begun)
		if (got == "") != (look.want == "") || !strings.HasSuffix(got, look.want) {
			t.Errorf("after %v: %q, want %q", look.at, got, look.want)
		}
	}
}
