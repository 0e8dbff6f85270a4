//go:build e2e && linux

package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal and returns both of its ends.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		lack(t, fmt.Sprintf("a terminal: %v", err))
	}
	t.Cleanup(func() { _ = person.Close() }) // the program may have ended it already
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// startOnTerminal runs the program at addr as a person does who looks at it, with its tokens in dir, and returns the
// first address that it prints.
func startOnTerminal(t *testing.T, path, addr, dir string, env ...string) (p *process, printed string) {
	t.Helper()
	person, program := terminal(t)
	p = &process{log: new(lockedBuffer), done: make(chan struct{})}
	p.cmd = exec.CommandContext(t.Context(), path, "-addr", addr)
	p.cmd.Env = append(append(os.Environ(), "WEIR_STATE_DIR="+dir), env...)
	p.cmd.Stdout, p.cmd.Stderr = program, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close() // it is the child's now
	first := make(chan string, 1)
	go func() {
		scanner := bufio.NewScanner(person)
		for scanner.Scan() { // to the end, or the program would wait for its reader
			select {
			case first <- scanner.Text():
			default:
			}
		}
	}()
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the test has asked it to end
		told.text("a log", p.log.String())
	}()
	t.Cleanup(func() { p.end(t, syscall.SIGTERM); p.watching.Wait() })
	select {
	case line := <-first:
		found := regexp.MustCompile(`((http://([^/]+))/#token=\S+)`).FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("the first line is %q", line)
		}
		printed, p.base, p.addr = found[1], found[2], found[3]
	case <-p.done:
		t.Fatalf("weir ended at once:\n%s", p.log)
	case <-time.After(patience):
		t.Fatalf("weir prints no address:\n%s", p.log)
	}
	p.witness(t)
	return p, printed
}

// inOrder wants a line for each beginning, one after the other.
func inOrder(t *testing.T, lines []string, beginnings ...string) {
	t.Helper()
	rest := lines
	for _, beginning := range beginnings {
		at := slices.IndexFunc(rest, func(line string) bool { return strings.HasPrefix(line, beginning) })
		if at < 0 {
			t.Errorf("the log has no %q in its place:\n%s", beginning, strings.Join(lines, "\n"))
			return
		}
		rest = rest[at+1:]
	}
}

// homeOf starts a server and returns what tries its page at / in a browser, one subject at a time, as a new user would: by
// keyboard. What is started there has the small picture of the stream "test", whose parameters the form shows.
func homeOf(t *testing.T, browser string) (server *process, home func(t *testing.T, subject string) *script, restart func(t *testing.T)) {
	t.Helper()
	needs(t, map[string]string{"chromium": chromium, "firefox": firefox}[browser])
	weir, dir, picture := build(t, "1"), filepath.Join(t.TempDir(), "state"), small(t)
	server, address := startOnTerminal(t, weir, "127.0.0.1:0", dir, picture)
	home = func(t *testing.T, subject string) *script {
		t.Helper()
		return run(t, "home.mjs", browser, subject, address)
	}
	return server, home, func(t *testing.T) {
		t.Helper()
		server.end(t, syscall.SIGTERM)
		startOnTerminal(t, weir, server.addr, dir, picture)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	_, home, restart := homeOf(t, "chromium")
	t.Run("whole", func(t *testing.T) { homeWhole(t, home(t, "whole"), true) })
	t.Run("refusals", func(t *testing.T) { homeRefusals(t, home(t, "refusals")) })
	t.Run("stranger", func(t *testing.T) { homeStranger(t, home(t, "stranger")) })
	t.Run("life", func(t *testing.T) { homeLife(t, home(t, "life"), restart, true) })
}

// TestHomeInFirefox tries the refusals in the soak alone: they differ little from browser to browser.
func TestHomeInFirefox(t *testing.T) {
	t.Parallel()
	server, home, restart := homeOf(t, "firefox")
	t.Run("whole", func(t *testing.T) { homeWhole(t, home(t, "whole"), server.encodes(t, "VP8")) })
	t.Run("life", func(t *testing.T) { homeLife(t, home(t, "life"), restart, false) })
	if os.Getenv("E2E_SOAK") != "" {
		t.Run("refusals", func(t *testing.T) { homeRefusals(t, home(t, "refusals")) })
	}
}

func homeWhole(t *testing.T, page *script, live bool) {
	t.Helper()
	var got struct {
		clean
		Token struct {
			Hash string
			Kept bool
		}
		Kinds []struct {
			Text     string
			Disabled bool
		}
		Missing string
		Figures struct {
			Own                  *float64 // milliseconds, what the script reads
			Overlay, Note, Facts string
			Values               map[string]string
			Labels               []string
			Drawn                int
		}
		Left string
		Log  []string
	}
	page.report(t, &got)
	got.judge(t)
	if got.Token.Hash != "" || !got.Token.Kept {
		t.Errorf("the address keeps %q, the tab has the token: %v", got.Token.Hash, got.Token.Kept)
	}
	for _, kind := range got.Kinds {
		if name, notHere := strings.CutSuffix(kind.Text, " (not here)"); notHere && (!kind.Disabled || !strings.Contains(got.Missing, name)) {
			t.Errorf("%q: disabled %v; reasons: %s", kind.Text, kind.Disabled, got.Missing)
		}
	}
	cameras, _ := filepath.Glob("/dev/video*")
	if len(got.Kinds) < 3 || len(cameras) == 0 && !strings.Contains(got.Missing, "There is no camera: none is connected to this machine") {
		t.Errorf("sources %v, missing %q", got.Kinds, got.Missing)
	}
	inOrder(t, got.Log, "Started Test pattern as “demo”.", "Connecting to “demo”.", "Connected to “demo”.",
		"First picture of “demo” after", "Disconnected from “demo”.", "Stopped “demo”.")
	inOrder(t, got.Log, "Source pattern of “demo” started", "A viewer at 127.0.0.1 asked for “demo”", "A viewer of “demo” is connected",
		"A viewer of “demo” is gone", "Source pattern of “demo” stopped")
	inOrder(t, got.Log, "“demo” is live", "“demo” is no longer live")
	if got.Left != "Connect" {
		t.Errorf("after leaving the button says %q", got.Left)
	}
	figures := got.Figures
	if figures.Drawn != 8 || len(figures.Labels) != 8 || live && !strings.Contains(figures.Facts, "320 × 180") {
		t.Errorf("%d graphs drawn, %q; %s", figures.Drawn, figures.Labels, figures.Facts)
	}
	for _, name := range []string{"Bit rate", "Frames", "Loss", "Jitter buffer"} {
		if value := figures.Values[name]; value == "" || value == "–" {
			t.Errorf("%s: %q", name, value)
		}
	}
	if !live {
		if !strings.Contains(figures.Note, "recorded clip: its clock is not live") || figures.Values["Latency"] != "–" {
			t.Errorf("latency %q of a recorded clip; %q", figures.Values["Latency"], figures.Note)
		}
		return
	}
	shown, _, _ := strings.Cut(figures.Overlay, " ")
	latency, err := strconv.ParseFloat(shown, 64)
	if err != nil || figures.Own == nil {
		t.Fatalf("latency %q, own reading %v; %s", figures.Overlay, figures.Own, figures.Note)
	}
	if difference := latency - *figures.Own; difference < -30 || difference > 30 {
		t.Errorf("the overlay says %s, the test reads %.0f ms", figures.Overlay, *figures.Own)
	}
	t.Logf("the overlay says %s, the test reads %.0f ms; sound late by %s", figures.Overlay, *figures.Own, figures.Values["Sound late by"])
}

func homeRefusals(t *testing.T, page *script) {
	t.Helper()
	var got struct {
		clean
		WrongName, WrongWidth, Focused, ByServer, Refusal, Stage string
	}
	page.report(t, &got)
	got.judge(t)
	if !strings.HasPrefix(got.WrongName, "Letters, digits") || !strings.HasPrefix(got.WrongWidth, "Enter a whole number") || got.Focused != "param-width" {
		t.Errorf("name: %q; width: %q; focus on %s", got.WrongName, got.WrongWidth, got.Focused)
	}
	if !strings.Contains(got.ByServer, "Must be at most") || got.Refusal != "" { // all is said beside the field
		t.Errorf("height: %q; %q", got.ByServer, got.Refusal)
	}
}

// homeLife wants the page to play again by itself, whatever has happened. keeps says whether the browser keeps a page that is left.
func homeLife(t *testing.T, page *script, restart func(t *testing.T), keeps bool) {
	t.Helper()
	page.step(t, "playing")
	restart(t)
	page.proceed(t)
	var got struct {
		clean
		Stream, Word, Listed, Said, Viewer, Asked, Events string
		Kept                                              bool
		Loaded, Log                                       []string
	}
	page.report(t, &got)
	got.judge(t)
	if got.Stream != "shared" || got.Word != "Disconnect" {
		t.Errorf("after loading again: stream %q, button %q", got.Stream, got.Word)
	}
	inOrder(t, got.Loaded, "Started Test pattern as “shared”.", "The page was loaded again: back to “shared”.", "Connected to “shared”.")
	if !strings.Contains(got.Listed, "shared") {
		t.Errorf("the list says %q", got.Listed)
	}
	if keeps && !got.Kept {
		t.Error("the browser made the page anew: something on it forbids to keep it")
	}
	if !strings.Contains(got.Viewer, "127.0.0.1") || !strings.Contains(got.Viewer, "Opus") || !strings.Contains(got.Asked, "One viewer is watching") {
		t.Errorf("row %q, viewer %q, asked %q", got.Said, got.Viewer, got.Asked)
	}
	inOrder(t, got.Log, "Connected to “test”", "Connected to “test”")
	inOrder(t, got.Log, "Warning: The server no longer tells", "Some of what happened was missed")
	if got.Events != "" {
		t.Errorf("of events the page says %q", got.Events)
	}
}

func homeStranger(t *testing.T, page *script) {
	t.Helper()
	var got struct {
		clean
		Words, Wrong string
		Log          []string
	}
	page.report(t, &got)
	got.judge(t)
	if !strings.Contains(got.Words, "weir token list -show") || !strings.Contains(got.Wrong, "does not know this token") {
		t.Errorf("%q; a wrong token: %q", got.Words, got.Wrong)
	}
	inOrder(t, got.Log, "Connected to “test”.", "Disconnected from “test”.")
}

// TestPagesModules tests what the pages do with text and numbers, and what their controls ask for, without a browser.
func TestPagesModules(t *testing.T) {
	t.Parallel()
	needs(t)
	out, err := exec.CommandContext(t.Context(), "node", "--test", filepath.Join("page", "pages.test.mjs"), filepath.Join("page", "controls.test.mjs")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
