package config

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// pathTokens is the one setting that is a list of mappings; see tokens.go.
const pathTokens = "access.tokens"

// A kind is how a value is written in YAML.
type kind int

const (
	kindText kind = iota
	kindNumber
	kindBoolean
	kindSize
)

// A key is one setting: where it stands and how it is read and written.
type key struct {
	path   string
	kind   kind
	list   bool // of texts
	secret bool // mistakes do not repeat its value

	// check parses one text and says what is wanted instead.
	check func(text string) error
	// set puts in what check has passed: one text, or all those of a list.
	set func(c *Config, texts []string)
	// texts is what would set the value that stands in c.
	texts func(c *Config) []string
}

// variable is the key's name in the environment.
func (k key) variable() string { return variable(k.path) }

func variable(path string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// keys are all settings but the tokens, in the order of the sample file.
func keys() []key {
	const most = 1_000_000
	return []key{
		text("http.addr", checkAddr, func(c *Config) *string { return &c.HTTP.Addr }),
		list("http.hosts", checkHost, func(c *Config) *[]string { return &c.HTTP.Hosts }),
		level("log.level", func(c *Config) *slog.Level { return &c.Log.Level }),
		hidden(list("ice.servers", anything, func(c *Config) *[]string { return &c.ICE.Servers })),
		boolean("ice.mdns", func(c *Config) *bool { return &c.ICE.MDNS }),
		list("publish.streams", checkTarget, func(c *Config) *[]string { return &c.Publish.Streams }),
		list("streams.waiting_room", checkPolicy("refuse", "hold", "slate"), func(c *Config) *[]string { return &c.Streams.WaitingRoom }),
		list("streams.take_over", checkPolicy("take_over", "refuse", "hold"), func(c *Config) *[]string { return &c.Streams.TakeOver }),
		duration("streams.hold_time", time.Second, time.Minute, func(c *Config) *time.Duration { return &c.Streams.HoldTime }),
		text("ffmpeg.path", checkDir, func(c *Config) *string { return &c.FFmpeg.Path }),
		list("ffmpeg.inputs", checkInput, func(c *Config) *[]string { return &c.FFmpeg.Inputs }),
		number("ffmpeg.processes", 1000, func(c *Config) *int { return &c.FFmpeg.Processes }),
		text("ffmpeg.ca_file", checkDir, func(c *Config) *string { return &c.FFmpeg.CAFile }),
		text("media.dir", checkDir, func(c *Config) *string { return &c.Media.Dir }),
		size("media.quota", 1024*1024*gibibyte, func(c *Config) *Size { return &c.Media.Quota }),
		size("media.keep_free", 1024*1024*gibibyte, func(c *Config) *Size { return &c.Media.KeepFree }),
		text("state.dir", checkDir, func(c *Config) *string { return &c.State.Dir }),
		boolean("default_stream", func(c *Config) *bool { return &c.DefaultStream }),
		list("relay.hosts", checkRelayHost, func(c *Config) *[]string { return &c.Relay.Hosts }),
		text("relay.ca_file", checkDir, func(c *Config) *string { return &c.Relay.CAFile }),
		number("limits.sessions", most, func(c *Config) *int { return &c.Limits.Sessions }),
		number("limits.sessions_per_address", most, func(c *Config) *int { return &c.Limits.SessionsPerAddress }),
		number("limits.connecting_per_address", most, func(c *Config) *int { return &c.Limits.ConnectingPerAddress }),
		number("limits.requests_per_address", most, func(c *Config) *int { return &c.Limits.RequestsPerAddress }),
		number("limits.burst_per_address", most, func(c *Config) *int { return &c.Limits.BurstPerAddress }),
		number("limits.candidates", 10_000, func(c *Config) *int { return &c.Limits.Candidates }),
		size("limits.offer", mebibyte, func(c *Config) *Size { return &c.Limits.Offer }),
		size("limits.fragment", 64*kibibyte, func(c *Config) *Size { return &c.Limits.Fragment }),
		number("limits.event_subscribers", most, func(c *Config) *int { return &c.Limits.EventSubscribers }),
		number("limits.held", most, func(c *Config) *int { return &c.Limits.Held }),
		number("limits.held_per_address", most, func(c *Config) *int { return &c.Limits.HeldPerAddress }),
		number("limits.slates", 10_000, func(c *Config) *int { return &c.Limits.Slates }),
		number("limits.bit_rate", 1_000_000_000, func(c *Config) *int { return &c.Limits.BitRate }),
		number("events.history", most, func(c *Config) *int { return &c.Events.History }),
	}
}

// paths are all settings, in the order of the sample file.
func paths() []string {
	var all []string
	for _, k := range keys() {
		if k.path == "publish.streams" {
			all = append(all, pathTokens)
		}
		all = append(all, k.path)
	}
	return all
}

func text(path string, check func(string) error, at func(*Config) *string) key {
	return key{
		path: path, check: check,
		set:   func(c *Config, texts []string) { *at(c) = texts[0] },
		texts: func(c *Config) []string { return []string{*at(c)} },
	}
}

func list(path string, check func(string) error, at func(*Config) *[]string) key {
	return key{
		path: path, list: true, check: check,
		set:   func(c *Config, texts []string) { *at(c) = texts },
		texts: func(c *Config) []string { return *at(c) },
	}
}

func hidden(k key) key { k.secret = true; return k }

func level(path string, at func(*Config) *slog.Level) key {
	return key{
		path:  path,
		check: func(text string) error { _, err := parseLevel(text); return err },
		set:   func(c *Config, texts []string) { *at(c), _ = parseLevel(texts[0]) },
		texts: func(c *Config) []string { return []string{strings.ToLower(at(c).String())} },
	}
}

func boolean(path string, at func(*Config) *bool) key {
	return key{
		path: path, kind: kindBoolean,
		check: func(text string) error { _, err := parseBoolean(text); return err },
		set:   func(c *Config, texts []string) { *at(c), _ = parseBoolean(texts[0]) },
		texts: func(c *Config) []string { return []string{strconv.FormatBool(*at(c))} },
	}
}

// number is a whole one from 1 to most.
func number(path string, most int, at func(*Config) *int) key {
	return key{
		path: path, kind: kindNumber,
		check: func(text string) error {
			if n, err := strconv.Atoi(text); err != nil || n < 1 || n > most {
				return want("a whole number from 1 to %d", most)
			}
			return nil
		},
		set:   func(c *Config, texts []string) { *at(c), _ = strconv.Atoi(texts[0]) },
		texts: func(c *Config) []string { return []string{strconv.Itoa(*at(c))} },
	}
}

// size is one from 1 KiB to most.
func size(path string, most Size, at func(*Config) *Size) key {
	return key{
		path: path, kind: kindSize,
		check: func(text string) error {
			if n, ok := parseSize(text); !ok || n < kibibyte || n > most {
				return want("a size with its unit, from 1KiB to %v", most)
			}
			return nil
		},
		set:   func(c *Config, texts []string) { *at(c), _ = parseSize(texts[0]) },
		texts: func(c *Config) []string { return []string{at(c).String()} },
	}
}

// duration is one from least to most.
func duration(path string, least, most time.Duration, at func(*Config) *time.Duration) key {
	return key{
		path: path,
		check: func(text string) error {
			if d, err := time.ParseDuration(text); err != nil || d < least || d > most {
				return want("a time with its unit, from %s to %s", shortDuration(least), shortDuration(most))
			}
			return nil
		},
		set:   func(c *Config, texts []string) { *at(c), _ = time.ParseDuration(texts[0]) },
		texts: func(c *Config) []string { return []string{shortDuration(*at(c))} },
	}
}
