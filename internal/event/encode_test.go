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
		{"strings", []slog.Attr{slog.String("stream", "test"), slog.String("reason", "a \"b\"\n\x00 é \xff")},
			`,"stream":"test","reason":"a \"b\"\n\u0000 é \ufffd"`},
		{"numbers", []slog.Attr{slog.Int("a", -1), slog.Uint64("b", math.MaxUint64), slog.Float64("c", 1e21), slog.Bool("d", true)},
			`,"a":-1,"b":18446744073709551615,"c":1000000000000000000000,"d":true`},
		{"what JSON has no number for", []slog.Attr{slog.Float64("a", math.NaN()), slog.Float64("b", math.Inf(1))}, `,"a":null,"b":null`},
		{"durations", []slog.Attr{slog.Duration("duration", 1500*time.Millisecond), slog.Duration("age", 1234567*time.Nanosecond)},
			`,"duration_ms":1500,"age_ms":1.235`},
		{"a time", []slog.Attr{slog.Time("since", at)}, `,"since":"2026-05-04T02:02:01.987Z"`},
		{"groups", []slog.Attr{slog.Group("ice", slog.String("state", "new"), slog.Int("at", 1)), slog.Group("", slog.Int("b", 2))},
			`,"ice":{"state":"new","at":1},"b":2`},
		{"values of other types", []slog.Attr{
			slog.Any("err", errors.New("no")), slog.Any("remote", netip.MustParseAddrPort("[::1]:9")), slog.Any("level", slog.LevelWarn),
			slog.Any("list", []int{1}), slog.Any("nil", nil), slog.Any("text", &text{"x"}), slog.Any("func", errors.ErrUnsupported.Error),
		}, `,"err":"no","remote":"[::1]:9","level":"WARN","list":[1],"nil":null,"text":"x"`},
		{"a nil pointer with methods", []slog.Attr{slog.Any("text", (*text)(nil))}, `,"text":"\u003cnil\u003e"`},
		{"a value made late", []slog.Attr{slog.Any("a", lazy{slog.DurationValue(time.Second)})}, `,"a_ms":1000`},
		{"keys that are taken", []slog.Attr{slog.Int("at", 1), slog.Int("a", 2), slog.Int("a", 3), {}}, `,"a":2`},
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
	empty := len(only(slog.String("reason", "")).Data)
	fits := strings.Repeat("x", 4096-empty)
	if e := only(slog.String("reason", fits)); len(e.Data) != 4096 || strings.Contains(string(e.Data), "truncated") {
		t.Errorf("what just fits is cut: %d bytes", len(e.Data))
	}
	for what, attr := range map[string]slog.Attr{
		"one byte more":           slog.String("reason", fits+"x"),
		"a long string":           slog.String("reason", long),
		"a long key":              slog.String(long, "x"),
		"many escapes":            slog.String("reason", strings.Repeat("\x01", 1000)),
		"JSON":                    slog.Any("list", []string{long}),
		"an error":                slog.Any("err", errors.New(long)),
		"deep in groups":          slog.Group("a", slog.Group("b", slog.String("c", long), slog.Int("d", 1)), slog.Int("e", 1)),
		"many small ones, nested": slog.Group("a", slog.Any("list", make([]int, 1000)), slog.Any("again", make([]int, 1100))),
	} {
		e := only(slog.String("stream", "test"), attr, slog.Int("count", 1))
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
	r.Add("one", slog.Any("a", asking{r}))
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
	e := only(slog.String("stream", "test"))
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
	for n := range 20_000 {
		cursors[n%len(cursors)] = r.Now()
		r.Add("stream_ended", slog.String("reason", reason), slog.Int("count", n))
	}
	if grown, most := heap()-before, int64(1024*4096+2<<20); grown > most {
		t.Errorf("%d bytes for 20,000 events and 1,000 readers, want at most %d", grown, most)
	}
	runtime.KeepAlive(cursors)
	if got := len(all(r)); got != 1024 {
		t.Errorf("%d events are kept, want 1024", got)
	}
}
