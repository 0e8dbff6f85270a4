//go:build e2e && linux

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

const (
	leastRatio = 1.5 // CPU a packet: step 01 to weir; the aim is 2
	mostRSS    = 300 // KiB a viewer
	mostGrowth = 1.1 // RSS a viewer from the low to the high bit rate
)

// report prints one line a row: medians over the rounds, and the range of the
// CPU time. It returns what goals were missed.
func report(out io.Writer, rows []row, results [][]result) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	say := func(format string, values ...any) { _, _ = fmt.Fprintf(table, format, values...) } // Flush says what failed
	say("\tns CPU/packet\trange\tstep 01/this\tallocs/packet\tRSS KiB/viewer\tgoroutines/viewer\tlost\tskipped\t\n")
	base := median(results[0], func(r result) float64 { return r.cpu })
	var failures []error
	for i, row := range rows {
		cpus := sorted(results[i], func(r result) float64 { return r.cpu })
		cpu := cpus[len(cpus)/2]
		lost, skipped := 0, 0
		for _, r := range results[i] {
			lost, skipped = lost+r.lost, skipped+r.skipped
		}
		rss := median(results[i], func(r result) float64 { return r.rss })
		say("%s\t%.0f\t%.0f-%.0f\t%.2f\t%.2f\t%.0f\t%.1f\t%d\t%d\t\n",
			row.label, cpu, cpus[0], cpus[len(cpus)-1], base/cpu,
			median(results[i], func(r result) float64 { return r.mallocs }), rss,
			median(results[i], func(r result) float64 { return r.goroutines }), lost, skipped)
		if i == 0 {
			continue
		}
		if base/cpu < leastRatio {
			failures = append(failures, fmt.Errorf("%s: %.2f times less CPU a packet than step 01, want %.1f", row.label, base/cpu, leastRatio))
		}
		if rss > mostRSS {
			failures = append(failures, fmt.Errorf("%s: %.0f KiB a viewer, want at most %d", row.label, rss, mostRSS))
		}
		if skipped != 0 {
			failures = append(failures, fmt.Errorf("%s: viewers skipped %d packets: the machine is too slow for that rate", row.label, skipped))
		}
		if lost > 0 {
			failures = append(failures, fmt.Errorf("%s: viewers missed %d packets", row.label, lost))
		}
	}
	low := median(results[1], func(r result) float64 { return r.rss })
	if high := median(results[2], func(r result) float64 { return r.rss }); high > low*mostGrowth {
		failures = append(failures, fmt.Errorf("memory a viewer grows from %.0f to %.0f KiB with the bit rate", low, high))
	}
	return errors.Join(append(failures, table.Flush())...)
}

func median(results []result, of func(result) float64) float64 {
	values := sorted(results, of)
	return values[len(values)/2]
}

func sorted(results []result, of func(result) float64) []float64 {
	var values []float64
	for _, r := range results {
		values = append(values, of(r))
	}
	slices.Sort(values)
	return values
}
