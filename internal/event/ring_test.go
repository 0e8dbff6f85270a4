package event_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"weir/internal/event"
)

func names(events []event.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.Name)
	}
	return all
}

// numbered adds events named after their numbers, from first to last.
func numbered(r *event.Ring, first, last int) {
	for n := first; n <= last; n++ {
		r.Add(strconv.Itoa(n))
	}
}

func all(r *event.Ring) []event.Event {
	events, _, _ := r.Read(r.Oldest(), 1<<20)
	return events
}

func TestReadInPieces(t *testing.T) {
	r := event.New(8)
	at := r.Now()
	numbered(r, 1, 5)
	var got [][]string
	for range 4 {
		events, next, lost := r.Read(at, 2)
		if lost {
			t.Fatal("lost something that the ring holds")
		}
		got, at = append(got, names(events)), next
	}
	if want := [][]string{{"1", "2"}, {"3", "4"}, {"5"}, nil}; !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if events, _, _ := r.Read(r.Oldest(), 0); len(events) != 1 {
		t.Errorf("%d events for most = 0, want one: a reader gets on", len(events))
	}
}

func TestReaderThatIsOverrunIsTold(t *testing.T) {
	r := event.New(4)
	at := r.Now()
	numbered(r, 1, 4)
	if events, _, lost := r.Read(at, 10); lost || len(events) != 4 {
		t.Fatalf("a full ring: %v, lost %v", names(events), lost)
	}
	numbered(r, 5, 6)
	events, next, lost := r.Read(at, 10)
	if want := []string{"3", "4", "5", "6"}; !lost || !cmp.Equal(names(events), want) {
		t.Errorf("got %v, lost %v; want %v, lost", names(events), lost, want)
	}
	if events, _, lost := r.Read(next, 10); lost || events != nil {
		t.Errorf("after the newest: %v, lost %v", names(events), lost)
	}
	if events, _, lost := r.Read(event.Cursor{}, 10); !lost || len(events) != 4 {
		t.Errorf("from the very beginning: %v, lost %v", names(events), lost)
	}
}

func TestReplayFromAnID(t *testing.T) {
	r, other := event.New(4), event.New(4)
	numbered(other, 1, 6)
	numbered(r, 1, 3)
	early := all(r)
	numbered(r, 4, 7) // 1, 2, 3 are forgotten
	kept := all(r)
	run, _, _ := strings.Cut(kept[0].ID, "-")
	for _, c := range []struct {
		what, id string
		want     []string
		lost     bool
	}{
		{"the oldest", "0", []string{"4", "5", "6", "7"}, false},
		{"one that is kept", kept[1].ID, []string{"6", "7"}, false},
		{"the newest", kept[3].ID, nil, false},
		{"forgotten, but nothing after it", early[2].ID, []string{"4", "5", "6", "7"}, false},
		{"forgotten, and one after it", early[1].ID, []string{"4", "5", "6", "7"}, true},
		{"another run's", all(other)[2].ID, []string{"4", "5", "6", "7"}, true},
		{"not yet there", run + "-8", []string{"4", "5", "6", "7"}, true},
		{"the largest", run + "-18446744073709551615", []string{"4", "5", "6", "7"}, true},
		{"too large", run + "-18446744073709551616", []string{"4", "5", "6", "7"}, true},
		{"no number", run + "-", []string{"4", "5", "6", "7"}, true},
		{"no run", "-6", []string{"4", "5", "6", "7"}, true},
		{"a number alone", "6", []string{"4", "5", "6", "7"}, true},
		{"nothing", "", []string{"4", "5", "6", "7"}, true},
	} {
		at, lost := r.At(c.id)
		events, _, again := r.Read(at, 10)
		if lost != c.lost || again || !cmp.Equal(names(events), c.want) {
			t.Errorf("%s: %v, lost %v, then %v; want %v, lost %v", c.what, names(events), lost, again, c.want, c.lost)
		}
	}
}

func TestIDsOfAnotherRunInAnEmptyRing(t *testing.T) {
	before := event.New(4)
	before.Add("one")
	r := event.New(4)
	at, lost := r.At(all(before)[0].ID)
	if !lost {
		t.Error("an id of another run is taken for one of this")
	}
	r.Add("two")
	if events, _, lost := r.Read(at, 10); lost || len(events) != 1 {
		t.Errorf("then %v, lost %v", names(events), lost)
	}
}

func TestChanged(t *testing.T) {
	r := event.New(4)
	changed := r.Changed()
	select {
	case <-changed:
		t.Fatal("changed before anything was added")
	default:
	}
	r.Add("one")
	select {
	case <-changed:
	default:
		t.Fatal("not changed by Add")
	}
	select {
	case <-r.Changed():
		t.Fatal("the next change has come already")
	default:
	}
}

// follow reads until the event named last, and returns how many it saw and how
// often it was told that some were lost. It fails where the order is not right
// or events are missing without a word.
func follow(t *testing.T, r *event.Ring, last string) (seen, losses int) {
	t.Helper()
	previous := 0
	for at := (event.Cursor{}); ; {
		changed := r.Changed()
		events, next, lost := r.Read(at, 16)
		at = next
		if lost {
			losses++
		}
		for i, e := range events {
			_, number, _ := strings.Cut(e.ID, "-")
			n, _ := strconv.Atoi(number)
			if gap := n != previous+1; gap && (!lost || i > 0 || n <= previous) {
				t.Errorf("event %d after %d, lost %v", n, previous, lost)
			}
			previous = n
			seen++
			if e.Name == last {
				return seen, losses
			}
		}
		if len(events) == 0 {
			<-changed
		}
	}
}

func TestThousandReadersAndOneThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const readers, events = 1000, 64
		r := event.New(16)
		stalled := r.Now()
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				if seen, losses := follow(t, r, "last"); seen != events || losses != 0 {
					t.Errorf("%d events, %d losses; want all %d", seen, losses, events)
				}
			})
		}
		for n := range events - 1 {
			r.Add("more", attr("count", n))
			synctest.Wait() // until all have read it: nobody was asked to
		}
		r.Add("last")
		wg.Wait()
		got, _, lost := r.Read(stalled, 100)
		if !lost || len(got) != 16 {
			t.Errorf("the stalled one gets %d events, lost %v; want the 16 that are kept and to be told", len(got), lost)
		}
	})
}

func TestManyWritersAndReadersAtOnce(t *testing.T) {
	const writers, each = 8, 500
	r := event.New(64)
	var reading, writing sync.WaitGroup
	for range 50 {
		reading.Go(func() { follow(t, r, "last") })
	}
	for w := range writers {
		writing.Go(func() {
			for n := range each {
				r.Add("more", attr("source", w), attr("count", n))
			}
		})
	}
	writing.Wait()
	r.Add("last")
	reading.Wait()
	if got, want := all(r)[63].ID, fmt.Sprintf("-%d", writers*each+1); !strings.HasSuffix(got, want) {
		t.Errorf("the last id is %s, want …%s", got, want)
	}
}

func FuzzAt(f *testing.F) {
	for _, seed := range []string{"", "0", "-", "a-1", "-1", "1", "ABCDEFGHIJKL-2", "ABCDEFGHIJKL-+2"} {
		f.Add(seed)
	}
	r := event.New(2)
	numbered(r, 1, 3)
	f.Fuzz(func(t *testing.T, id string) {
		at, _ := r.At(id)
		if _, _, lost := r.Read(at, 1); lost {
			t.Errorf("%q is a position that is lost", id)
		}
	})
}

// A client that was told of nothing yet comes back to where it was.
func TestPositionHasAnID(t *testing.T) {
	r := event.New(2)
	for n := range 3 {
		at := r.Now()
		if again, lost := r.At(r.ID(at)); lost || again != at {
			t.Errorf("after %d events: %v is %v, lost %v", n, at, again, lost)
		}
		numbered(r, n+1, n+1)
	}
	if _, lost := r.At(r.ID(event.Cursor{})); !lost {
		t.Error("the very beginning is forgotten, and nobody says so")
	}
}
