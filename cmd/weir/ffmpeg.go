package main

import (
	"context"
	"fmt"
	"log/slog"

	"weir/config"
	"weir/publisher"
	"weir/publisher/exec"
)

const kindFFmpeg = "ffmpeg"

// ffmpegKind is the kind of source that FFmpeg opens, if there is one on this machine. Its streams are private: an input is a
// camera as likely as not.
func ffmpegKind(ctx context.Context, c config.FFmpeg, log *slog.Logger) (publisher.Kind, error) {
	k := publisher.Kind{
		Name: kindFFmpeg, Title: "FFmpeg", Private: true, Schema: exec.Schema(),
		Description: "Whatever FFmpeg opens and the configuration allows: a network camera, RTMP, SRT, HLS, a device, a test picture.",
	}
	allowed, err := exec.ParseAllowed(c.Inputs)
	if err != nil {
		return publisher.Kind{}, fmt.Errorf("configuration: %w", err)
	}
	path, err := exec.Find(ctx, c.Path)
	if err != nil {
		k.Missing = err
		return k, nil
	}
	k.New = exec.New(exec.Options{Path: path, Allowed: allowed, Processes: c.Processes, Logger: log}).Source
	return k, nil
}
