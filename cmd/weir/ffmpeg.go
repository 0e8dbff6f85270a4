package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"weir/config"
	"weir/publisher"
	"weir/publisher/exec"
	"weir/publisher/file"
)

const kindFFmpeg = "ffmpeg"

// ffmpegKind is the kind of source that FFmpeg opens, and what converts files, if there is one on this machine. Its streams
// are private: an input is a camera as likely as not.
func ffmpegKind(ctx context.Context, c config.FFmpeg, log *slog.Logger) (publisher.Kind, file.Transcode, error) {
	k := publisher.Kind{
		Name: kindFFmpeg, Title: "FFmpeg", Private: true, Schema: exec.Schema(),
		// A camera that is off comes back some time.
		Restart:     &publisher.Restart{Attempts: 1000, Delay: time.Second, Longest: 30 * time.Second},
		Description: "Whatever FFmpeg opens and the configuration allows: a network camera, RTMP, SRT, HLS, a device, a test picture.",
	}
	allowed, err := exec.ParseAllowed(c.Inputs)
	if err != nil {
		return publisher.Kind{}, nil, fmt.Errorf("configuration: %w", err)
	}
	path, err := exec.Find(ctx, c.Path)
	if err != nil {
		k.Missing = err
		return k, nil, nil //nolint:nilerr // the kind says so
	}
	o := exec.Options{Path: path, Allowed: allowed, Processes: c.Processes, CAFile: c.CAFile, Logger: log}
	if o.CAFile != "" {
		if o.CAFile, err = filepath.Abs(o.CAFile); err != nil { // FFmpeg runs in another folder
			return publisher.Kind{}, nil, fmt.Errorf("ffmpeg.ca_file: %w", err)
		}
	}
	f := exec.New(o)
	k.New = f.Source
	return k, func(ctx context.Context, c file.Conversion) (io.ReadCloser, error) {
		return f.Transcode(ctx, exec.Conversion(c))
	}, nil
}
