//go:build e2e && linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A result is one row in one round.
type result struct {
	cpu        float64 // ns a delivered packet
	mallocs    float64 // a delivered packet
	rss        float64 // KiB a viewer, after the media
	goroutines float64 // a viewer
	lost       int     // packets that the viewers who count them missed
	skipped    int     // packets that did not go to a viewer, since it had fallen behind
}

// A row is measured once a round.
type row struct {
	label   string
	measure func(ctx context.Context) (result, error)
}

// run measures all rows in turn, round by round, and prints the medians.
func (p *plan) run(ctx context.Context) error {
	bin, err := os.MkdirTemp("", "fan")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(bin) }()                                                    // left in the temporary folder otherwise
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", bin, "./cmd/...") //nolint:gosec // a temporary folder of our own
	build.Dir = p.floor
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the instruments: %w: %s", err, out)
	}
	rows := []row{
		{"step 01: pion as documented", func(ctx context.Context) (result, error) { return p.ladder(ctx, bin) }},
		{"weir, 2.9 Mbit/s", func(ctx context.Context) (result, error) { return p.weir(ctx, bin, 10) }},
		{"weir, 10 Mbit/s", func(ctx context.Context) (result, error) { return p.weir(ctx, bin, 35) }},
	}
	results := make([][]result, len(rows))
	for round := range p.rounds {
		for i, row := range rows {
			r, err := row.measure(ctx)
			if err != nil {
				return fmt.Errorf("round %d, %s: %w", round+1, row.label, err)
			}
			results[i] = append(results[i], r)
		}
	}
	return report(os.Stdout, rows, results)
}

// ladder measures step 01 with the instruments' own script.
func (p *plan) ladder(ctx context.Context, bin string) (result, error) {
	load := fmt.Sprintf("-n %d -secs %g -runs %d -warm %g", p.viewers, p.window.Seconds(), p.windows, p.warm.Seconds())
	script, err := filepath.Abs(filepath.Join(p.floor, "one.sh"))
	if err != nil {
		return result{}, fmt.Errorf("find the script: %w", err)
	}
	c := exec.CommandContext(ctx, "sh", script, "01", "-fan shared -ice own -interceptors default -srtp cm80", load) //nolint:gosec // the folder that the user names
	c.Env = append(os.Environ(), "BIN="+bin)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return result{}, fmt.Errorf("run one.sh: %w", err)
	}
	var line struct {
		CPU        float64 `json:"cpu_ns_pkt"`
		Mallocs    float64 `json:"allocs_pkt"`
		RSS        float64 `json:"active_rss_kb"`
		Goroutines float64 `json:"goroutines"`
		Lost       int     `json:"probe_lost"`
		Failed     int     `json:"failed"`
	}
	if err := json.Unmarshal(out, &line); err != nil {
		return result{}, fmt.Errorf("read what one.sh printed: %w", err)
	}
	if line.Failed > 0 {
		return result{}, fmt.Errorf("%d viewers could not join", line.Failed)
	}
	return result{cpu: line.CPU, mallocs: line.Mallocs, rss: line.RSS, goroutines: line.Goroutines, lost: line.Lost}, nil
}

// weir measures this program as a server, with fanload's viewers.
func (p *plan) weir(ctx context.Context, bin string, burst int) (r result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := start(ctx)
	if err != nil {
		return r, err
	}
	// The cache that all viewers share is not counted as theirs: it is filled
	// before they come, with whole groups of pictures.
	_, err = s.publish(ctx, 2*keyFrameEvery*time.Second/burstRate, burst)
	if err != nil {
		return r, err
	}
	empty, err := get[usage](ctx, s.base+"/usage")
	if err != nil {
		return r, err
	}
	const spare = 4 * time.Second // for what is asked between the runs
	span := p.warm + time.Duration(p.windows)*p.window + spare
	load := exec.CommandContext(ctx, filepath.Join(bin, "fanload"), //nolint:gosec // what was built above
		"-whep", s.base+"/whep/"+streamName, "-n", fmt.Sprint(p.viewers), "-secs", fmt.Sprint(span.Seconds()))
	load.Stderr = os.Stderr
	stdout, err := load.StdoutPipe()
	if err != nil {
		return r, fmt.Errorf("start fanload: %w", err)
	}
	if err := load.Start(); err != nil {
		return r, fmt.Errorf("start fanload: %w", err)
	}
	lines := bufio.NewReader(stdout)
	joined, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(joined, "(0 failed)") {
		return r, fmt.Errorf("fanload: %q: %w", joined, err)
	}
	windows, full, skipped, err := p.windowsOf(ctx, s, burst)
	if err != nil {
		return r, err
	}
	probes, err := io.ReadAll(lines)
	if err := errors.Join(err, load.Wait()); err != nil {
		return r, fmt.Errorf("fanload: %w", err)
	}
	if err := s.stop(); err != nil {
		return r, err
	}
	r.skipped = skipped
	if r.lost, err = lost(probes); err != nil {
		return r, err
	}
	median := windows[len(windows)/2]
	packets := float64(median.Delivered)
	r.cpu, r.mallocs = float64(median.CPU)/packets, float64(median.Mallocs)/packets
	r.rss = float64(full.RSS-empty.RSS) / float64(p.viewers) / 1024
	r.goroutines = float64(full.Goroutines-empty.Goroutines) / float64(p.viewers)
	return r, nil
}

// windowsOf publishes for the warm-up and the windows, and returns the windows
// from the cheapest to the dearest, what was in use at their end, and how many
// packets did not go to a viewer in them.
func (p *plan) windowsOf(ctx context.Context, s *child, burst int) (all []window, full usage, skipped int, err error) {
	if _, err := s.publish(ctx, p.warm, burst); err != nil {
		return nil, full, 0, err
	}
	warm, err := get[usage](ctx, s.base+"/usage")
	if err != nil {
		return nil, full, 0, err
	}
	for range p.windows {
		w, err := s.publish(ctx, p.window, burst)
		if err != nil {
			return nil, full, 0, err
		}
		if w.Viewers != p.viewers {
			return nil, full, 0, fmt.Errorf("%d viewers are there, want %d", w.Viewers, p.viewers)
		}
		all = append(all, w)
		skipped += w.Packets * p.viewers
	}
	if full, err = get[usage](ctx, s.base+"/usage"); err != nil {
		return nil, full, 0, err
	}
	slices.SortFunc(all, func(a, b window) int { return int(a.CPU - b.CPU) })
	return all, full, skipped - int(full.Delivered-warm.Delivered), nil
}

// lost reads the lines of fanload's probes: viewers that take every packet, and
// count the numbers that are missing.
func lost(lines []byte) (int, error) {
	missing, probes := 0, 0
	for line := range bytes.Lines(lines) {
		var probe, got, gone int
		if _, err := fmt.Sscanf(string(line), "probe %d: got %d lost %d", &probe, &got, &gone); err != nil {
			return 0, fmt.Errorf("read fanload's line %q: %w", line, err)
		}
		probes++
		missing += gone
	}
	if probes == 0 {
		return 0, errors.New("fanload had no probe")
	}
	return missing, nil
}
