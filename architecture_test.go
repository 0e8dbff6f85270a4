// Package weir_test holds the module to its layout: who may import whom, which
// rooms there are, and how long a file may be.
package weir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "weir/"

// A pattern is an import path, with "/..." behind it all that lies below it, or
// with "..." itself and all below; "..." alone is everything.
type pattern string

func (p pattern) matches(importPath string) bool {
	root, all := strings.CutSuffix(string(p), "...")
	if !all || root == "" {
		return all || importPath == string(p)
	}
	return importPath == root || strings.HasPrefix(importPath, strings.TrimSuffix(root, "/")+"/")
}

// A rule forbids imports to rooms. It looks at what a room imports itself.
type rule struct {
	in     []pattern // rooms, without the module's path
	except []pattern
	deny   []pattern // ours as "weir/..."
	allow  []pattern // of what is denied
	reason string
}

var forbidden = []rule{
	{
		in:     []pattern{"auth", "config", "static", "internal/..."},
		except: []pattern{"internal/wishtest", "internal/media", "internal/container..."}, // closed
		deny:   []pattern{"weir/..."},
		reason: "a leaf imports none of ours",
	},
	{
		in:     []pattern{"stream...", "publisher...", "session..."},
		deny:   []pattern{"net/http", "weir/api...", "weir/whip", "weir/whep", "weir/relay"},
		reason: "media knows no HTTP; what speaks it is above",
	},
	{
		in:     []pattern{"..."},
		except: []pattern{"stream..."},
		deny:   []pattern{"weir/stream/..."},
		reason: "what a stream is made of is its own: others know it by stream's names",
	},
	{
		in:     []pattern{"publisher..."},
		deny:   []pattern{"weir/session...", "weir/internal/wish", "weir/internal/udp", "weir/internal/seal"},
		reason: "sources and sessions meet in stream; sources speak no WHIP and own no port",
	},
	{
		in:     []pattern{"publisher/..."},
		allow:  []pattern{"weir/publisher/feed"},
		deny:   []pattern{"weir/publisher/..."},
		reason: "sources are joined by cmd; what they share of writing units is publisher/feed",
	},
	{
		in:     []pattern{"..."},
		except: []pattern{"publisher"},
		deny:   []pattern{"weir/publisher/params"},
		reason: "parameters are checked before a source is made: others know them by publisher's names",
	},
	{
		in:     []pattern{"session..."},
		deny:   []pattern{"weir/publisher...", "weir/auth", "weir/coach", "weir/internal/event"},
		reason: "session meets sources in stream, is asked after auth, and reports by a callback",
	},
	{
		in:     []pattern{"session"},
		deny:   []pattern{"weir/internal/udp", "github.com/pion/dtls/v3", "github.com/pion/ice/v4", "github.com/pion/interceptor", "github.com/pion/logging"},
		reason: "what pion is set up with, and the media port, belong to session/peer",
	},
	{
		in:     []pattern{"session/negotiate"},
		deny:   []pattern{"weir/session", "context", "crypto/rand", "log/slog", "math/rand/v2", "net", "os", "sync", "time"},
		reason: "an answer follows from the offer and the stream alone: it waits for nothing, asks nobody and keeps nothing",
	},
	{
		in:     []pattern{"whip", "whep"},
		deny:   []pattern{"weir/whip", "weir/whep", "weir/auth", "weir/stream", "weir/publisher...", "weir/metrics", "weir/api..."},
		reason: "the two protocols share internal/wish only; api has asked auth, session finds the stream",
	},
	{
		in:     []pattern{"relay"},
		deny:   []pattern{"weir/api...", "weir/whip", "weir/whep", "weir/auth", "weir/publisher/..."},
		reason: "relay is a client",
	},
	{
		in:     []pattern{"metrics"},
		deny:   []pattern{"weir/api...", "weir/whip", "weir/whep", "weir/auth"},
		reason: "metrics are pulled from session, stream and publisher",
	},
	{
		in:     []pattern{"api..."},
		deny:   []pattern{"weir/publisher/..."},
		reason: "api knows sources by publisher's root; cmd registers the kinds",
	},
	{
		in:     []pattern{"api/control"},
		deny:   []pattern{"weir/api", "weir/api/eventstream", "weir/auth", "weir/whip", "weir/whep", "weir/static"},
		reason: "api has asked auth, and says what an error comes to; the protocols and the pages are beside it",
	},
	{
		in:     []pattern{"..."},
		except: []pattern{"cmd/..."},
		deny:   []pattern{"weir/cmd/...", "weir/config", "weir/publisher/device"},
		reason: "only cmd wires, reads config and pulls in cgo",
	},
	{
		in:     []pattern{"..."},
		except: []pattern{"internal/wishtest"},
		deny:   []pattern{"weir/internal/guest", "weir/internal/mediatest", "weir/internal/webrtctest", "weir/internal/wishtest"},
		reason: "they are for tests",
	},
	{
		in:     []pattern{"internal/wishtest"},
		deny:   []pattern{"weir/api...", "weir/session...", "weir/stream", "weir/whip", "weir/whep", "weir/internal/wish"},
		reason: "it knows a server by its answers alone",
	},
	{
		in:     []pattern{"..."},
		except: []pattern{"api"},
		deny:   []pattern{"github.com/gin-gonic/gin..."},
		reason: "gin stops at the router: the protocols are plain net/http",
	},
	{
		in:     []pattern{"..."},
		except: []pattern{"metrics", "api"},
		deny:   []pattern{"github.com/prometheus/..."},
		reason: "nobody calls metrics",
	},
	{
		in:     []pattern{"..."},
		except: []pattern{"publisher/device"},
		deny:   []pattern{"github.com/pion/mediadevices...", "C"},
		reason: "cgo stays in publisher/device: all else builds without",
	},
	{
		in:     []pattern{"..."},
		deny:   []pattern{"log", "math/rand", "github.com/pkg/errors"},
		reason: "log/slog, math/rand/v2 or crypto/rand, errors and fmt stand for them",
	},
}

// closed rooms import nothing but the standard library and these.
var closed = []struct {
	room   string
	allow  []pattern
	reason string
}{
	{
		"api/request",
		[]pattern{"weir/internal/wish"},
		"a request is read by what it says, whatever it is for",
	},
	{
		"api/eventstream",
		[]pattern{"weir/api/request", "weir/internal/event", "weir/internal/wish"},
		"who follows is a position in the ring: no other room has a say in it",
	},
	{
		"stream",
		[]pattern{"github.com/pion/rtp", "github.com/pion/rtcp", "weir/internal/codec", "weir/stream/..."},
		"the hot path knows no PeerConnection",
	},
	{
		"stream/cache",
		[]pattern{"github.com/pion/rtp", "weir/internal/codec"},
		"what viewers share knows none of them, nor who writes",
	},
	{
		"stream/joining",
		[]pattern{"weir/stream/cache"},
		"a replay is reckoned from what the cache holds; stream sends it",
	},
	{
		"stream/sequence",
		[]pattern{"github.com/pion/rtp", "weir/stream/cache"},
		"what a number means follows from the line and the cache alone",
	},
	{
		"publisher/params",
		[]pattern{"github.com/santhosh-tekuri/jsonschema/v6..."},
		"parameters are text: no source, stream or clock has a say in them",
	},
	{
		"coach",
		[]pattern{"github.com/pion/rtp", "github.com/pion/rtcp", "weir/stream", "weir/internal/codec"},
		"coach looks at a stream, nothing else",
	},
	{
		"internal/media",
		[]pattern{"weir/internal/codec"},
		"all readers of files share it",
	},
	{
		"internal/container",
		[]pattern{"weir/internal/codec", "weir/internal/media", "weir/internal/container/..."},
		"hostile bytes are read far from what plays them",
	},
	{
		"internal/container/matroska",
		[]pattern{"weir/internal/codec", "weir/internal/media"},
		"a format knows no other, nor what opens it",
	},
	{
		"internal/container/mp4",
		[]pattern{"github.com/Eyevinn/mp4ff/...", "weir/internal/codec", "weir/internal/media"},
		"a format knows no other, nor what opens it",
	},
	{
		"session/negotiate",
		[]pattern{"github.com/pion/ice/v4", "weir/stream", "weir/internal/codec", "weir/internal/wish"},
		"an answer is text: no PeerConnection has a say in it",
	},
	{
		"session/admission",
		[]pattern{"golang.org/x/time/rate", "weir/internal/wish"},
		"who may come in follows from addresses and numbers: it knows no session",
	},
	{
		"session/egress",
		[]pattern{
			"github.com/pion/rtp", "github.com/pion/rtcp", "github.com/pion/transport/v4/packetio", "github.com/pion/webrtc/v4",
			"weir/session/negotiate", "weir/session/peer", "weir/stream", "weir/internal/codec",
		},
		"what a player is sent and says of it needs its PeerConnection, and no session",
	},
	{
		"session/ingress",
		[]pattern{
			"github.com/pion/rtp", "github.com/pion/rtcp", "github.com/pion/interceptor/pkg/twcc", "github.com/pion/transport/v4/packetio",
			"weir/session/negotiate", "weir/stream", "weir/internal/codec",
		},
		"what a publisher sends is packets and a clock: it knows no PeerConnection",
	},
	{
		"session/peer",
		[]pattern{"github.com/pion/...", "weir/session/negotiate", "weir/stream", "weir/internal/udp"},
		"what makes a PeerConnection knows no session",
	},
}

// rooms are all packages there may be; false for those still to come.
var rooms = map[string]bool{
	"cmd/weir":                    true,
	"api":                         true,
	"api/control":                 true,
	"api/eventstream":             true,
	"api/request":                 true,
	"publisher":                   true,
	"publisher/pattern":           true,
	"publisher/clip":              true,
	"publisher/device":            true,
	"session":                     true,
	"session/admission":           true,
	"session/egress":              true,
	"session/ingress":             true,
	"session/negotiate":           true,
	"session/peer":                true,
	"static":                      true,
	"stream":                      true,
	"stream/cache":                true,
	"stream/joining":              true,
	"stream/sequence":             true,
	"whep":                        true,
	"internal/codec":              true,
	"internal/guest":              true,
	"internal/webrtctest":         true,
	"internal/wishtest":           true,
	"internal/wish":               true,
	"auth":                        true,
	"coach":                       true,
	"config":                      true,
	"internal/event":              true,
	"internal/seal":               false,
	"internal/udp":                true,
	"metrics":                     false,
	"publisher/exec":              true,
	"publisher/file":              true,
	"relay":                       true,
	"whip":                        true,
	"internal/container":          true,
	"internal/container/matroska": true,
	"internal/container/mp4":      true,
	"internal/media":              true,
	"internal/mediatest":          true,
	"publisher/feed":              true,
	"publisher/library":           true,
	"publisher/params":            true,
	"publisher/slate":             true,
}

// noRoom are names that say nothing: a helper lives with its one user.
var noRoom = []string{"utils", "helpers", "common", "models", "types", "handlers", "services", "pkg", "server"}

// A listed package is what go list says of one.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	CgoFiles   []string
}

// room is the package's path in the module, "" for packages that are not ours
// or belong to no room: e2e is the tests'.
func (p *listed) room() string {
	room, ours := strings.CutPrefix(p.ImportPath, module)
	if !ours || room == "e2e" || strings.HasPrefix(room, "e2e/") {
		return ""
	}
	return room
}

// list returns the module's packages and all that they need, for one value of
// CGO_ENABLED.
func list(t *testing.T, cgo string, packages ...string) map[string]*listed {
	t.Helper()
	c := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Standard,Imports,CgoFiles"}, packages...)...)
	c.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, &stderr)
	}
	all := map[string]*listed{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &listed{}
		switch err := decoder.Decode(p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func matchesAny(patterns []pattern, path string) bool {
	return slices.ContainsFunc(patterns, func(p pattern) bool { return p.matches(path) })
}

// violations are the imports that break a rule, each with the reason.
func violations(packages map[string]*listed) []string {
	var found []string
	for _, p := range packages {
		room := p.room()
		if room == "" {
			continue
		}
		for _, imported := range p.Imports {
			for _, r := range forbidden {
				if matchesAny(r.in, room) && !matchesAny(r.except, room) && matchesAny(r.deny, imported) && !matchesAny(r.allow, imported) {
					found = append(found, room+" imports "+imported+": "+r.reason)
				}
			}
			for _, c := range closed {
				dependency := packages[imported]
				standard := dependency != nil && dependency.Standard
				if c.room == room && !standard && !matchesAny(c.allow, imported) {
					found = append(found, room+" imports "+imported+": "+c.reason)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestForbiddenImports(t *testing.T) {
	for _, cgo := range []string{"1", "0"} {
		for _, violation := range violations(list(t, cgo, "./...")) {
			t.Error(violation)
		}
	}
}

// Each rule finds what it forbids: otherwise the test above could not fail.
func TestRulesForbid(t *testing.T) {
	example := func(patterns []pattern) string { // a path that the first of them matches
		p := string(patterns[0])
		root, all := strings.CutSuffix(p, "...")
		if all {
			return strings.TrimPrefix(strings.TrimSuffix(root, "/")+"/x", "/")
		}
		return p
	}
	for _, r := range forbidden {
		for _, denied := range r.deny {
			room, imported := example(r.in), example([]pattern{denied})
			if len(violations(map[string]*listed{"": {ImportPath: module + room, Imports: []string{imported}}})) == 0 {
				t.Errorf("%s may import %s", room, imported)
			}
		}
	}
	for _, c := range closed {
		if len(violations(map[string]*listed{"": {ImportPath: module + c.room, Imports: []string{"example.org/x"}}})) == 0 {
			t.Errorf("%s may import anything", c.room)
		}
	}
}

// A rule about a room that is gone, or never heard of, holds nothing.
func TestRooms(t *testing.T) {
	here := list(t, "1", "./...")
	for room, now := range rooms {
		switch exists := here[module+room] != nil; {
		case now && !exists:
			t.Errorf("%s is gone: strike it from the rules, or give them its new name", room)
		case exists && !now:
			t.Errorf("%s has come: say so in the list of rooms", room)
		}
	}
	for _, p := range here {
		if room := p.room(); room != "" {
			if _, known := rooms[room]; !known {
				t.Errorf("%s is new: say in its package comment why a file would not do, and enter it in the list of rooms", room)
			}
		}
	}
	all := slices.Clone(forbidden)
	for _, c := range closed {
		all = append(all, rule{in: []pattern{pattern(c.room)}, deny: c.allow})
	}
	for _, r := range all {
		for _, p := range slices.Concat(r.in, r.except, r.deny, r.allow) {
			named := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(string(p), module), "..."), "/")
			ours := strings.HasPrefix(string(p), module) || !slices.Contains(r.deny, p)
			if _, known := rooms[named]; ours && !known && !slices.Contains([]string{"", "cmd", "internal", "publisher"}, named) {
				t.Errorf("a rule names %s, which is no room", named)
			}
		}
	}
}

// The core needs no C compiler: cgo of ours or of other modules is reached by
// publisher/device alone.
func TestCgoStaysInDevice(t *testing.T) {
	here := list(t, "1", "./...")
	for _, p := range here {
		if p.room() == "" || p.room() == "publisher/device" || strings.HasPrefix(p.room(), "cmd/") {
			continue
		}
		for dependency := range list(t, "1", p.ImportPath) {
			if d := here[dependency]; d != nil && !d.Standard && len(d.CgoFiles) > 0 {
				t.Errorf("%s needs the C of %s", p.room(), dependency)
			}
		}
	}
}

// mostLines of a file that are neither blank nor a comment. Tests may be longer.
const mostLines = 400

// mostOfRoom is the same of a package.
const mostOfRoom = 2000

// longer files, each with the reason.
var longer = map[string]string{
	"static/files/whep.js": "pages of others import this one module, and it has no build step",
}

func TestNamesAndSizes(t *testing.T) {
	skipped := []string{"node_modules", "target", "testdata", "bin", "out", "vendor"}
	sources := []string{".go", ".js", ".mjs", ".css", ".html", ".sh", ".awk", ".rs"}
	rooms := map[string]int{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && (slices.Contains(skipped, entry.Name()) || strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case entry.IsDir() && slices.Contains(noRoom, entry.Name()):
			t.Errorf("%s: a room's name says what it is for", file)
		case !entry.IsDir() && slices.Contains(sources, path.Ext(file)) && !strings.HasSuffix(file, "_test.go"):
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			n, reason := codeLines(string(text)), longer[filepath.ToSlash(file)]
			if path.Ext(file) == ".go" {
				rooms[filepath.Dir(file)] += n
			}
			if n > mostLines && reason == "" {
				t.Errorf("%s: %d lines of code, want at most %d", file, n, mostLines)
			}
			if n <= mostLines && reason != "" {
				t.Errorf("%s: no longer too long; strike it from the list", file)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room, n := range rooms {
		if n > mostOfRoom {
			t.Errorf("%s: %d lines of code, want at most %d: find what of it is a room by itself", room, n, mostOfRoom)
		}
	}
}

func codeLines(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "*") && !strings.HasPrefix(line, "/*") {
			n++
		}
	}
	return n
}
