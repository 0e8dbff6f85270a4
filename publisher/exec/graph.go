package exec

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// safeFilters are the filters that open nothing: no file, no socket, no library.
func safeFilters() []string {
	return []string{
		"aevalsrc", "aformat", "allrgb", "allyuv", "anoisesrc", "anull", "anullsrc", "aresample", "asplit", "color", "colorchart",
		"drawbox", "drawgrid", "format", "fps", "gradients", "hflip", "hue", "mandelbrot", "negate", "noise", "null", "nullsrc",
		"pal100bars", "pal75bars", "realtime", "rgbtestsrc", "scale", "setsar", "sierpinski", "sine", "smptebars", "smptehdbars",
		"split", "testsrc", "testsrc2", "tremolo", "vflip", "vibrato", "volume", "yuvtestsrc",
	}
}

var (
	// A filter with labels around it. Of what FFmpeg gives a meaning, arguments have only : and =: no quotes and no
	// backslash, and a slash between digits alone, since one in front of an option's name reads a file.
	filter = regexp.MustCompile(`^(?:\[[a-zA-Z0-9_]+\])*([a-z0-9_]+)(?:=((?:[A-Za-z0-9_.:=+*()|#@%-]|[0-9]/[0-9])*))?(?:\[[a-zA-Z0-9_:]+\])*$`)

	// What a filter begins with, whatever its arguments are.
	filterName = regexp.MustCompile(`^(?:\[[^\]]*\])*([a-z0-9_]+)(?:[=@]|$)`)

	errGraph = errors.New("must be a graph of filters, each NAME or NAME=KEY=VALUE:KEY=VALUE, without quotes, backslashes and paths")
)

// graph checks a graph of lavfi.
func (a Allowed) graph(text string) (input, error) {
	if !a.graphs {
		return input{}, fmt.Errorf("is not allowed: %s does not list %s", Key, formatLavfi)
	}
	in := input{format: formatLavfi, name: formatLavfi, address: text, shown: formatLavfi + ":" + text, raw: true}
	if a.anyGraph {
		return in, nil
	}
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == ';' }) {
		part = strings.ReplaceAll(part, " ", "")
		found, named := filter.FindStringSubmatch(part), filterName.FindStringSubmatch(part)
		if found != nil {
			named = found
		}
		switch {
		case named != nil && !slices.Contains(safeFilters(), named[1]):
			return input{}, fmt.Errorf("must not use the filter %s, which may open files: %s lists no %s", named[1], Key, anyGraph)
		case found == nil:
			return input{}, fmt.Errorf("%w: %s lists no graph but those of plain filters", errGraph, Key)
		}
	}
	if strings.Trim(text, " ,;") == "" {
		return input{}, errGraph
	}
	return in, nil
}
