package exec

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Key is the setting that says what may be opened; refusals name it.
const Key = "ffmpeg.inputs"

const (
	formatLavfi = "lavfi"
	anyGraph    = "lavfi:*"
	anyPort     = "*"
)

// ErrEntry is returned for a setting of what may be opened that cannot be read.
var ErrEntry = errors.New("must be SCHEME://HOST[:PORT], such as rtsp://camera.lan, lavfi, lavfi:*, or a device such as v4l2:/dev/video0")

// devices are the formats of FFmpeg that capture.
func devices() []string {
	return []string{"alsa", "avfoundation", "dshow", "gdigrab", "pulse", "v4l2", "x11grab"}
}

// A host is one entry of what may be opened over the network.
type host struct {
	scheme string
	name   string       // lower case; ".example.org" is all names that end so
	block  netip.Prefix // of addresses; then name is ""
	port   string       // "*": any
}

// Allowed is what may be opened. The zero value allows nothing.
type Allowed struct {
	hosts    []host
	exact    []string // devices, "v4l2:/dev/video0"
	graphs   bool     // of lavfi, with the filters of safeFilters
	anyGraph bool
}

// ParseAllowed reads settings: "rtsp://camera.lan" (the scheme's own port), "rtsp://camera.lan:8554", "http://*.example.org:*"
// (names that end in .example.org, any port), "rtsp://10.1.0.0/16" (addresses of the block), "udp://:5000" (this machine's port),
// "v4l2:/dev/video0" (this device), "lavfi" (graphs that open nothing), "lavfi:*" (all graphs).
func ParseAllowed(settings []string) (Allowed, error) {
	var a Allowed
	for _, text := range settings {
		if err := a.add(text); err != nil {
			return Allowed{}, fmt.Errorf("%s: %q: %w", Key, text, err)
		}
	}
	return a, nil
}

// CheckEntry returns an error for a setting of what may be opened that cannot be read.
func CheckEntry(text string) error { return new(Allowed).add(text) }

func (a *Allowed) add(text string) error {
	switch text {
	case formatLavfi:
		a.graphs = true
		return nil
	case anyGraph:
		a.graphs, a.anyGraph = true, true
		return nil
	}
	if format, name, ok := strings.Cut(text, ":"); ok && slices.Contains(devices(), format) && name != "" {
		a.exact = append(a.exact, text)
		return nil
	}
	name, rest, ok := strings.Cut(text, "://")
	name = strings.ToLower(name)
	s, known := schemes()[name]
	if !ok || !known {
		return ErrEntry
	}
	authority, bits, hasBits := strings.Cut(rest, "/")
	h := host{scheme: name}
	var err error
	if h.name, h.port, err = splitAuthority(strings.TrimPrefix(authority, "*")); err != nil || h.name == "" && !s.listens {
		return ErrEntry
	}
	if strings.HasPrefix(authority, "*") && !strings.HasPrefix(h.name, ".") || !strings.HasPrefix(authority, "*") && strings.HasPrefix(h.name, ".") {
		return ErrEntry
	}
	if h.port == "" {
		h.port = s.port
	}
	if h.port == "" {
		return fmt.Errorf("%w; %s needs a port, or :* for any", ErrEntry, name)
	}
	if hasBits {
		addr, err := netip.ParseAddr(h.name)
		n, err2 := strconv.Atoi(bits)
		if err != nil || err2 != nil {
			return ErrEntry
		}
		if h.block, err = addr.Prefix(n); err != nil {
			return ErrEntry
		}
		h.name = ""
	}
	a.hosts = append(a.hosts, h)
	return nil
}

// host returns an error unless the host is listed.
func (a Allowed) host(scheme, name, port string) error {
	addr, err := netip.ParseAddr(name)
	listed := err == nil && a.address(scheme, addr, port)
	if err != nil {
		listed = slices.ContainsFunc(a.hosts, func(h host) bool {
			return h.is(scheme, port) && (h.name == name || strings.HasPrefix(h.name, ".") && strings.HasSuffix(name, h.name))
		})
	}
	if listed {
		return nil
	}
	return fmt.Errorf("is not allowed: %s does not list %s", Key, entry(scheme, name, port))
}

// address says whether an address is listed as such, by itself or in a block.
func (a Allowed) address(scheme string, addr netip.Addr, port string) bool {
	addr = addr.WithZone("").Unmap()
	return slices.ContainsFunc(a.hosts, func(h host) bool {
		return h.is(scheme, port) && (h.block.IsValid() && h.block.Contains(addr) || h.name == addr.String())
	})
}

// is says whether the entry is of this scheme and port.
func (h host) is(scheme, port string) bool {
	return h.scheme == scheme && (h.port == anyPort || h.port == port)
}

// entry is the setting that lists a host.
func entry(scheme, name, port string) string {
	return (&url.URL{Scheme: scheme, Host: joinAuthority(name, port)}).String()
}

var (
	hostName = regexp.MustCompile(`^\.?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)
	errHost  = errors.New("has no host name or address in it that can be read")
	errPort  = errors.New("must have a port from 1 to 65535 behind the colon, without a 0 in front")
)

// splitAuthority reads HOST[:PORT] into its one way of writing; a port can be "*".
func splitAuthority(text string) (name, port string, err error) {
	name = text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		name, port = text[:i], text[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); port != anyPort && (err != nil || n == 0 || strconv.FormatUint(n, 10) != port) {
			return "", "", errPort
		}
	}
	if name == "" {
		return "", port, nil
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" || !strings.HasSuffix(inner, "]") {
			return "", "", errHost
		}
		return addr.Unmap().String(), port, nil
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if len(name) > 253 || !hostName.MatchString(name) {
		return "", "", errHost
	}
	return name, port, nil
}

// joinAuthority is the inverse of splitAuthority.
func joinAuthority(name, port string) string {
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if port != "" {
		name += ":" + port
	}
	return name
}
