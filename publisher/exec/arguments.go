package exec

import (
	"fmt"
	"strconv"
)

// A plan says what of an input is copied.
type plan struct{ video, audio bool }

// The first track of a kind, if there is one; of pictures, none that is a cover.
const (
	firstVideo = "0:V:0?"
	firstAudio = "0:a:0?"
)

const (
	soundBitRate  = 96_000
	mostThreads   = 4  // of the encoder
	mostRate      = 60 // pictures a second
	mostWidth     = 3840
	mostReordered = 100_000 // microseconds that sound may wait for a picture, and the other way round
)

// arguments are the child's for a live input: each stands for itself, and the address is the only one that somebody chose. The
// certificates of a file are trusted; "" is none.
func arguments(p Params, in input, copied plan, caFile string) []string {
	args := common()
	if in.name != formatLavfi {
		args = append(args, "-fflags", "+genpts") // not nobuffer, which loses what was read to find the codecs: the first key frame
	}
	if in.scheme.protocols != "" {
		args = append(args, "-protocol_whitelist", in.scheme.protocols, "-format_whitelist", in.scheme.formats)
	}
	args = append(args, in.scheme.options...)
	if in.scheme.tls {
		args = append(args, "-tls_verify", "1") // FFmpeg lets every certificate pass otherwise
		if caFile != "" {
			args = append(args, "-ca_file", caFile)
		}
	}
	if in.scheme.live && copied.video {
		args = append(args, "-fpsprobesize", "0") // the rate is not needed, and would be waited for
	}
	if in.format == "rtsp" {
		args = append(args, "-rtsp_transport", p.Transport)
	}
	if in.format != "" {
		args = append(args, "-f", in.format)
	}
	if !in.scheme.live {
		args = append(args, "-re") // it comes as fast as it is read
	}
	args = append(args, "-i", in.address)
	if p.Video {
		args = append(args, "-map", firstVideo)
		if copied.video {
			args = append(args, "-c:v", "copy")
		} else {
			args = append(args, encodeVideo(p.BitRate, p.MaxHeight)...)
		}
	} else {
		args = append(args, "-vn") // where no -map finds anything FFmpeg chooses by itself
	}
	if p.Audio {
		args = append(args, "-map", firstAudio)
		if copied.audio {
			args = append(args, "-c:a", "copy")
		} else {
			args = append(args, encodeAudio()...)
		}
	} else {
		args = append(args, "-an")
	}
	return append(args, output()...)
}

// common are the first arguments of every child.
func common() []string {
	return []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"}
}

// encodeVideo makes H.264 that every browser decodes, without B-frames, and no more of it than is bearable.
func encodeVideo(bitRate, maxHeight int) []string {
	rate := strconv.Itoa(bitRate)
	return []string{
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-bf", "0", "-pix_fmt", "yuv420p",
		"-vf", fmt.Sprintf("scale=w='min(%d,iw)':h='min(%d,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2", mostWidth, maxHeight),
		"-fpsmax", strconv.Itoa(mostRate), "-force_key_frames", "expr:gte(t,n_forced*2)",
		"-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-threads:v", strconv.Itoa(mostThreads),
	}
}

// encodeAudio makes Opus in packets of 20 ms.
func encodeAudio() []string {
	return []string{
		"-c:a", "libopus", "-application", "audio", "-frame_duration", "20", "-ar", "48000", "-ac", "2", "-b:a", strconv.Itoa(soundBitRate),
	}
}

// output is Matroska, each block as soon as it is there: FFmpeg waits neither for a full buffer nor for the other track.
func output() []string {
	return []string{
		"-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-max_interleave_delta", strconv.Itoa(mostReordered),
		"-flush_packets", "1", "-cluster_time_limit", "40", "-f", "matroska", "pipe:1",
	}
}
