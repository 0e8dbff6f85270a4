package exec

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const (
	tailLines = 8
	lineBytes = 300
)

// A tail keeps the last lines that were written to it. It may be used from any goroutine.
type tail struct {
	// static after newTail
	secrets []string

	mu sync.Mutex
	// guarded by mu
	lines []string
	part  []byte // of a line without end
	cut   bool   // the rest of the line is left out
}

// newTail makes a tail that leaves out these words.
func newTail(secrets []string) *tail {
	words := slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < 3 })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // a part of another word goes after it
	return &tail{secrets: words}
}

// Write takes lines. It never fails and keeps nothing of b.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := b; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		if room := lineBytes - len(t.part); !t.cut && len(line) <= room {
			t.part = append(t.part, line...)
		} else if !t.cut {
			t.part, t.cut = append(t.part, line[:room]...), true
		}
		if whole {
			t.endLocked()
		}
		rest = after
	}
	return len(b), nil
}

// endLocked ends a line.
func (t *tail) endLocked() {
	text := clean(t.part, t.cut)
	t.part, t.cut = t.part[:0], false
	if text = t.mask(text); text == "" {
		return
	}
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, text)
}

// all are the last whole lines, the newest last.
func (t *tail) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lines)
}

// end makes a line of what was written last.
func (t *tail) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endLocked()
}

// clean is a line as it can be shown. What a longer line began with is left out up to its last space, where a word, which may
// be one to be masked, could be cut.
func clean(b []byte, cut bool) string {
	text := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(string(b), "?"))
	if cut {
		text = text[:strings.LastIndexByte(text, ' ')+1] + "..."
	}
	return strings.TrimSpace(text)
}

// What a URL says of its user, and what stands behind its path: keys, mostly. FFmpeg says where in memory its parts lie.
var (
	userInfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#]*@`)
	pointer  = regexp.MustCompile(` @ 0x[0-9a-f]+`)
	urlQuery = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s?'"]*)\?\S+`)
)

// mask leaves out what nobody must read.
func (t *tail) mask(text string) string {
	for _, word := range t.secrets {
		text = strings.ReplaceAll(text, word, "***")
	}
	text = pointer.ReplaceAllString(text, "")
	return urlQuery.ReplaceAllString(userInfo.ReplaceAllString(text, "$1***@"), "$1?***")
}
