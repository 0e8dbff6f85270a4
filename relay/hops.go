package relay

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"weir/internal/wish"
	"weir/stream"
)

// HopsField is the header field in which servers name themselves, and those that
// a stream has come through, the nearest first. A request has the ones that it
// comes from, an answer of a WHEP endpoint those that its stream comes from. It
// is to a stream what Via (RFC 9110 7.6.3) and CDN-Loop (RFC 8586) are to a
// request.
const HopsField = "Weir-Hops"

// maxHops is how many servers a stream may come through. Beyond them it is taken
// for a loop that hides.
const maxHops = 8

// hopLength is that of a server's name, in hex digits.
const hopLength = 16

// Hops guards against loops: it knows where the streams of this server come from.
// Its methods may be called from any goroutine.
type Hops struct {
	// static after NewHops
	id string // of this server, another one each time that it starts

	mu sync.Mutex
	// guarded by mu
	chains map[string]*chain // by stream
}

// A chain is what a stream has come through, the nearest server first.
type chain struct {
	hops []string
	of   *stream.Publication // it holds for this alone; nil: until it is forgotten
}

// holds says whether the chain is still that of its stream.
func (c *chain) holds() bool { return c.of == nil || c.of.Stream().Publication() == c.of }

// NewHops makes the guard of one server.
func NewHops() *Hops {
	id := make([]byte, hopLength/2)
	_, _ = rand.Read(id) // it never fails
	return &Hops{id: hex.EncodeToString(id), chains: map[string]*chain{}}
}

// set notes what a stream comes through; what it returns forgets that, unless
// something else was noted meanwhile. What holds no longer is forgotten here, so
// that no more is known than there are publications.
func (h *Hops) set(stream string, c *chain) (forget func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.chains, func(_ string, c *chain) bool { return !c.holds() })
	if len(c.hops) == 0 {
		delete(h.chains, stream)
		return func() {}
	}
	h.chains[stream] = c
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.chains[stream] == c {
			delete(h.chains, stream)
		}
	}
}

func (h *Hops) of(stream string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.chains[stream]
	if c == nil {
		return nil
	}
	if !c.holds() {
		delete(h.chains, stream)
		return nil
	}
	return c.hops
}

// passed is the field for a stream that goes out of this server.
func (h *Hops) passed(stream string) string {
	return strings.Join(append([]string{h.id}, h.of(stream)...), ", ")
}

// loops says whether a stream that has come through the hops may not come here.
func (h *Hops) loops(hops []string) bool { return len(hops) > maxHops || slices.Contains(hops, h.id) }

// parseHops reads the field. What is no name of a server is left out.
func parseHops(header http.Header) []string {
	var hops []string
	for _, value := range header.Values(HopsField) {
		for hop := range strings.SplitSeq(value, ",") {
			hop = strings.ToLower(strings.TrimSpace(hop))
			if len(hop) == hopLength && strings.Trim(hop, "0123456789abcdef") == "" && len(hops) <= maxHops {
				hops = append(hops, hop)
			}
		}
	}
	return hops
}

// Play refuses the POST of a player that the stream has come through, and tells
// any player by the answer's header what the stream has come through.
func (h *Hops) Play(w http.ResponseWriter, r *http.Request, stream string) error {
	upstream := h.of(stream)
	w.Header().Set(HopsField, h.passed(stream))
	if r.Method != http.MethodPost {
		return nil
	}
	players := parseHops(r.Header)
	if h.loops(players) || slices.ContainsFunc(players, func(p string) bool { return slices.Contains(upstream, p) }) {
		return refuseLoop()
	}
	return nil
}

// Publish refuses the POST of a publisher whose stream comes from this server.
func (h *Hops) Publish(r *http.Request) error {
	if h.loops(parseHops(r.Header)) {
		return refuseLoop()
	}
	return nil
}

// Published notes what has come by a POST that was not refused; nil: it has ended
// already.
func (h *Hops) Published(r *http.Request, p *stream.Publication) {
	if p != nil {
		h.set(p.Stream().Name(), &chain{hops: parseHops(r.Header), of: p})
	}
}

func refuseLoop() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusLoopDetected, Code: "loop",
		Detail: "The stream would come back to a server that it has come from, or through too many.",
		Remedy: "End the pull or the push that closes the circle.",
	}
}
