package config

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Size is a number of bytes.
type Size int64

const (
	kibibyte Size = 1 << 10
	mebibyte Size = 1 << 20
	gibibyte Size = 1 << 30
)

// String is the size in the largest unit that leaves a whole number.
func (s Size) String() string {
	for _, u := range units() {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

type unit struct {
	name  string
	bytes Size
}

func units() []unit { return []unit{{"GiB", gibibyte}, {"MiB", mebibyte}, {"KiB", kibibyte}, {"B", 1}} }

// parseSize reads a whole number and its unit.
func parseSize(text string) (Size, bool) {
	for _, u := range units() {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
		if err != nil || n > uint64(math.MaxInt64/u.bytes) {
			return 0, false
		}
		return Size(n) * u.bytes, true
	}
	return 0, false
}

func parseBoolean(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, want("true or false")
}

func parseLevel(text string) (slog.Level, error) {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(text, l.String()) {
			return l, nil
		}
	}
	return 0, want("debug, info, warn or error")
}

// checkAddr holds what a listener can be given.
func checkAddr(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return want("host:port, such as 127.0.0.1:8080")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fmt.Errorf("the port is no port number; %w one from 0 to 65535", errWant)
	}
	if host != "" && net.ParseIP(host) == nil && !isName(host) && !strings.Contains(host, "%") {
		return want("an address or a name before the port")
	}
	return nil
}

// checkHost holds a name as it stands in a request's Host field.
func checkHost(text string) error {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if net.ParseIP(bare) == nil && !isName(text) {
		return want("a name or an address without a port, such as weir.example.org")
	}
	return nil
}

// checkTarget holds into which stream a token publishes.
func checkTarget(text string) error {
	token, stream, _ := strings.Cut(text, "=")
	if checkName(token) != nil || checkName(stream) != nil {
		return want("TOKEN=STREAM, a token's name and a stream's, such as studio=lobby")
	}
	return nil
}

// checkPolicy holds which of the policies a stream has.
func checkPolicy(policies ...string) func(text string) error {
	return func(text string) error {
		stream, policy, _ := strings.Cut(text, "=")
		if stream != "*" && checkName(stream) != nil || !slices.Contains(policies, policy) {
			return want("STREAM=POLICY, a stream's name or * for all others, and one of %s, such as lobby=%s",
				strings.Join(policies, ", "), policies[len(policies)-1])
		}
		return nil
	}
}

// checkInput holds what FFmpeg may open, as far as it can be told here.
func checkInput(text string) error {
	if text != "lavfi" && !regexp.MustCompile(`^[A-Za-z0-9]+:(//)?[^\s@]+$`).MatchString(text) {
		return want("SCHEME://HOST or SCHEME://HOST:PORT, such as rtsp://camera.lan, or lavfi, or a device such as v4l2:/dev/video0")
	}
	return nil
}

// shortDuration leaves out the units that are 0 at the end: 5m, not 5m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// checkRelayHost holds a server that may be spoken to.
func checkRelayHost(text string) error {
	if !regexp.MustCompile(`^(\*|(\*\.)?[A-Za-z0-9_.-]+|[0-9./]+|\[[0-9A-Fa-f:./]+\]|[0-9A-Fa-f:./]+)(:(\*|[0-9]{1,5}))?$`).MatchString(text) {
		return want("HOST or HOST:PORT, a name, an address or a range of addresses, such as origin.example.org:8080")
	}
	return nil
}

func isName(s string) bool {
	return len(s) <= 253 && regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`).MatchString(s)
}

func checkDir(text string) error {
	switch {
	case strings.HasPrefix(text, "~"):
		return want("a whole path: ~ is not replaced here")
	case strings.ContainsRune(text, 0):
		return want("a path")
	}
	return nil
}

func anything(string) error { return nil }
