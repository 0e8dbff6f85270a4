package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"weir/config"
	"weir/publisher/file"
	"weir/publisher/library"
)

// openLibrary opens the media folder; nil: there is to be none. Where converts is set an FFmpeg plays what cannot be played as it is.
func openLibrary(c config.Media, converts bool, event func(string, ...slog.Attr)) (*library.Library, error) {
	if c.Dir == "" {
		return nil, nil //nolint:nilnil // no folder, and nothing wrong
	}
	l, err := library.Open(library.Options{
		Dir: c.Dir, Quota: int64(c.Quota), KeepFree: int64(c.KeepFree), Probe: probe(converts), Event: event,
	})
	if err != nil {
		return nil, fmt.Errorf("media.dir: %w", err)
	}
	return l, nil
}

// probe makes what looks into a media file.
func probe(converts bool) func(context.Context, *os.File) (json.RawMessage, error) {
	return func(ctx context.Context, f *os.File) (json.RawMessage, error) {
		report, err := file.Probe(ctx, f, converts)
		if err != nil {
			return nil, err //nolint:wrapcheck // for people: it says what is wrong with the file
		}
		text, err := json.Marshal(report)
		if err != nil {
			return nil, fmt.Errorf("write the report: %w", err)
		}
		return text, nil
	}
}
