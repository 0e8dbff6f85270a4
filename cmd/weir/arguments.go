package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"weir/config"
	"weir/internal/wish"
	"weir/publisher/exec"
	"weir/relay"
)

// The commands besides serving.
const (
	commandConfig = "config"
	commandToken  = "token"
)

// verbs are what a command can be asked to do.
func verbs(command string) []string {
	switch command {
	case commandConfig:
		return []string{"check", "show", "default"}
	case commandToken:
		return []string{"list", "add", "rotate", "revoke"}
	default:
		return nil
	}
}

// A request is what the command line asks for.
type request struct {
	command, verb string   // "" to serve
	args          []string // behind the verb
	file          string   // of the configuration
	settings      []config.Flag
	secrets       bool // are to be shown
	help, version bool
	problems      []error // what is wrong with it
}

// parse reads the arguments, and goes on after what it cannot take. It repeats
// nothing that does not look like a word: it may hold a credential.
func parse(args []string) request {
	var r request
	if len(args) > 0 && verbs(args[0]) != nil {
		r.command, args = args[0], args[1:]
		if len(args) > 0 && slices.Contains(verbs(r.command), args[0]) {
			r.verb, args = args[0], args[1:]
		} else if !slices.Contains(args, "-h") {
			r.wrong("weir %s: want %s", r.command, strings.Join(verbs(r.command), ", "))
			return r
		}
	}
	flags := r.flags()
	for len(args) > 0 {
		err := flags.Parse(args)
		left := flags.Args()
		switch {
		case errors.Is(err, flag.ErrHelp):
			r.help = true
			return r
		case err != nil:
			if len(left) == len(args) { // it did not even look like a flag
				left = left[1:]
			}
			r.problems = append(r.problems, flagProblem(err))
		case len(left) > 0:
			r.args, left = append(r.args, left[0]), left[1:]
		}
		args = left
	}
	if r.command != commandToken {
		for _, a := range r.args {
			r.wrong("unknown argument%s", word(a))
		}
	}
	return r
}

func (r *request) wrong(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// flags are those that the command takes.
func (r *request) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("weir", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	if r.verb != "default" {
		fs.StringVar(&r.file, "config", "", "")
	}
	if r.command == commandToken && r.verb == "list" {
		fs.BoolVar(&r.secrets, "show", false, "")
	}
	if r.command == "" {
		fs.BoolVar(&r.version, "version", false, "")
	}
	if r.command == commandToken || r.verb == "default" {
		return fs
	}
	setting := func(name, path string) func(string) error {
		return func(text string) error {
			r.settings = append(r.settings, config.Flag{Name: "-" + name, Path: path, Value: text})
			return nil // what is wrong with it is said with all else
		}
	}
	fs.Func("addr", "", setting("addr", "http.addr"))
	fs.Func("log-level", "", setting("log-level", "log.level"))
	fs.Func("ice-server", "", setting("ice-server", "ice.servers"))
	fs.BoolFunc("mdns", "", setting("mdns", "ice.mdns"))
	set := setting("no-default-stream", "default_stream")
	fs.BoolFunc("no-default-stream", "", func(text string) error {
		if b, err := strconv.ParseBool(text); err == nil {
			text = strconv.FormatBool(!b)
		}
		return set(text)
	})
	return fs
}

// flagProblem says what package flag found, without the text it found it in.
func flagProblem(err error) error {
	found := regexp.MustCompile(`^(.*): -+([a-z][a-z-]{0,24})$`).FindStringSubmatch(err.Error())
	switch {
	case found == nil:
		return errors.New("unknown flag")
	case strings.Contains(found[1], "needs an argument"):
		return fmt.Errorf("-%s needs a value", found[2])
	default:
		return fmt.Errorf("unknown flag -%s", found[2])
	}
}

// word is the text in quotes, behind a blank, if it is but a word.
func word(s string) string {
	if regexp.MustCompile(`^[A-Za-z][A-Za-z-]{0,24}$`).MatchString(s) {
		return fmt.Sprintf(" %q", s)
	}
	return ""
}

// settings puts the configuration together. Its error holds all mistakes, those
// of the command line too.
func settings(r request, env []string) (*config.Loaded, error) {
	loaded, err := config.Load(config.Input{
		File: r.file, Environ: env, Flags: r.settings,
		Checks: map[string]func(string) error{
			"ice.servers": func(text string) error {
				_, err := wish.ParseICEServer(text)
				return err
			},
			"ffmpeg.inputs": exec.CheckEntry,
			"relay.hosts": func(text string) error {
				_, err := relay.ParseHost(text)
				return err
			},
		},
	})
	if len(r.problems) == 0 && err == nil {
		return loaded, nil
	}
	mistakes, _ := errors.AsType[config.Mistakes](err)
	if len(r.problems) > 0 || mistakes.Flags() {
		return loaded, fmt.Errorf("%w; %w", errors.Join(append(r.problems, err)...), errUsage)
	}
	return loaded, err
}
