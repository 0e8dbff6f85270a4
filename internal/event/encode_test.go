package event_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/event"
)

// attr is an attribute with a key that no log may have.
func attr(key string, value any) slog.Attr { return slog.Any(key, value) }

func group(key string, members ...slog.Attr) slog.Attr { return attr(key, members) }

// only adds one event to a new ring and returns it.
func only(attrs ...slog.Attr) event.Event {
	r := event.New(1)
	r.Add("stream_live", attrs...)
	return all(r)[0]
}

type lazy struct{ value slog.Value }

func (l lazy) LogValue() slog.Value { return l.value }

type text struct{ s string }

func (t *text) String() string { return t.s }

func TestData(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.FixedZone("", 3600))
	for _, c := range []struct {
		what  string
		attrs []slog.Attr
		want  string // after the time
	}{
		{"nothing", nil, ``},
		{
			"strings",
			[]slog.Attr{attr("stream", "test"), attr("reason", "a \"b\"\n\x00 é \xff")},
			`,"stream":"test","reason":"a \"b\"\n\u0000 é \ufffd"`,
		},
		{
			"numbers",
			[]slog.Attr{attr("a", -1), attr("b", uint64(math.MaxUint64)), attr("c", 1e21), attr("d", true)},
			`,"a":-1,"b":18446744073709551615,"c":1000000000000000000000,"d":true`,
		},
		{"what JSON has no number for", []slog.Attr{attr("a", math.NaN()), attr("b", math.Inf(1))}, `,"a":null,"b":null`},
		{
			"durations",
			[]slog.Attr{attr("duration", 1500*time.Millisecond), attr("age", 1234567*time.Nanosecond)},
			`,"duration_ms":1500,"age_ms":1.235`,
		},
		{"a time", []slog.Attr{attr("since", at)}, `,"since":"2026-05-04T02:02:01.987Z"`},
		{
			"groups",
			[]slog.Attr{group("ice", attr("state", "new"), attr("at", 1)), group("", attr("b", 2))},
			`,"ice":{"state":"new","at":1},"b":2`,
		},
		{"values of other types", []slog.Attr{
			attr("err", errors.New("no")), attr("remote", netip.MustParseAddrPort("[::1]:9")), attr("level", slog.LevelWarn),
			attr("list", []int{1}), attr("nil", nil), attr("text", &text{"x"}), attr("func", errors.ErrUnsupported.Error),
		}, `,"err":"no","remote":"[::1]:9","level":"WARN","list":[1],"nil":null,"text":"x"`},
		{"a nil pointer with methods", []slog.Attr{attr("text", (*text)(nil))}, `,"text":"\u003cnil\u003e"`},
		{"a value made late", []slog.Attr{attr("a", lazy{slog.DurationValue(time.Second)})}, `,"a_ms":1000`},
		{"keys that are taken", []slog.Attr{attr("at", 1), attr("a", 2), attr("a", 3), {}}, `,"a":2`},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := string(only(c.attrs...).Data)
			want := `{"at":"2000-01-01T00:00:00.000Z"` + c.want
			if c.what == "values of other types" {
				got, _, _ = strings.Cut(got, `,"func":`) // an address
				got += "}"
			}
			if want += "}"; got != want {
				t.Errorf("%s:\n got %s\nwant %s", c.what, got, want)
			}
			if !json.Valid([]byte(got)) {
				t.Errorf("%s: not JSON: %s", c.what, got)
			}
		})
	}
}

func TestTimeIsThatOfTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(90*time.Minute + 1234567*time.Microsecond)
		e := only()
		if want := `{"at":"2000-01-01T01:30:01.234Z"}`; string(e.Data) != want {
			t.Errorf("got %s, want %s", e.Data, want)
		}
		if !e.At.Equal(time.Now()) {
			t.Errorf("At is %v, now it is %v", e.At, time.Now())
		}
	})
}

func TestLongDataIsCut(t *testing.T) {
	long := strings.Repeat("x", 5000)
	empty := len(only(attr("reason", "")).Data)
	fits := strings.Repeat("x", 4096-empty)
	if e := only(attr("reason", fits)); len(e.Data) != 4096 || strings.Contains(string(e.Data), "truncated") {
		t.Errorf("what just fits is cut: %d bytes", len(e.Data))
	}
	for what, long := range map[string]slog.Attr{
		"one byte more":           attr("reason", fits+"x"),
		"a long string":           attr("reason", long),
		"a long key":              attr(long, "x"),
		"many escapes":            attr("reason", strings.Repeat("\x01", 1000)),
		"JSON":                    attr("list", []string{long}),
		"an error":                attr("err", errors.New(long)),
		"deep in groups":          group("a", group("b", attr("c", long), attr("d", 1)), attr("e", 1)),
		"many small ones, nested": group("a", attr("list", make([]int, 1000)), attr("again", make([]int, 1100))),
	} {
		e := only(attr("stream", "test"), long, attr("count", 1))
		var got map[string]any
		if err := json.Unmarshal(e.Data, &got); err != nil {
			t.Errorf("%s: %v: %s", what, err, e.Data)
		}
		if len(e.Data) > 4096 || len(got) != 3 || got["at"] == nil || got["name"] != "stream_live" || got["truncated"] != true {
			t.Errorf("%s: %d bytes: %s", what, len(e.Data), e.Data)
		}
	}
}

// A name is a line of an event stream.
func TestNames(t *testing.T) {
	r := event.New(4)
	r.Add("stream_live")
	r.Add("a\nid: 1\r\x00é\xff")
	r.Add(strings.Repeat("é", 100))
	want := []string{"stream_live", "a_id:_1____", strings.Repeat("_", 64)}
	for i, e := range all(r) {
		if e.Name != want[i] {
			t.Errorf("got %q, want %q", e.Name, want[i])
		}
	}
}

// A value may ask the ring itself, and take its time: nobody waits for it.
func TestValuesAreMadeWithoutTheLock(t *testing.T) {
	r := event.New(4)
	r.Add("one", attr("a", asking{r}))
	if got := len(all(r)); got != 1 {
		t.Errorf("%d events", got)
	}
}

type asking struct{ ring *event.Ring }

func (a asking) LogValue() slog.Value {
	a.ring.Now()
	return slog.StringValue("asked")
}

// What a reader appends to an event does not reach the others.
func TestDataHasNoRoomBehindIt(t *testing.T) {
	e := only(attr("stream", "test"))
	if cap(e.Data) != len(e.Data) {
		t.Errorf("%d bytes with room for %d", len(e.Data), cap(e.Data))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	r := event.New(0)
	cursors := make([]event.Cursor, 1000) // each of them stalled
	reason := strings.Repeat("x", 4000)
	for n := range 5_000 {
		cursors[n%len(cursors)] = r.Now()
		r.Add("stream_ended", attr("reason", reason), attr("count", n))
	}
	if grown, most := heap()-before, int64(1024*4096+2<<20); grown > most {
		t.Errorf("%d bytes for 5,000 events and 1,000 readers, want at most %d", grown, most)
	}
	runtime.KeepAlive(cursors)
	if got := len(all(r)); got != 1024 {
		t.Errorf("%d events are kept, want 1024", got)
	}
}
