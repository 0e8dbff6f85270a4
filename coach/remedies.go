package coach

import (
	"fmt"

	"weir/internal/codec"
)

// keyFrameSeconds is how far apart key frames should be where they do not come
// when they are asked for.
const keyFrameSeconds = 2

// withoutB turns B-frames off.
func withoutB(name string) Remedies {
	r := Remedies{
		OBS:       "Settings > Stream: untick “Ignore streaming service setting recommendations”. Or Settings > Output > Streaming, Output Mode Advanced: B-Frames 0; with x264, x264 Options bframes=0.",
		FFmpeg:    "-bf 0",
		GStreamer: "x264enc bframes=0; vah264enc b-frames=0",
	}
	if name == codec.H265 {
		r.GStreamer = "x265enc option-string=\"bframes=0\"; vah265enc b-frames=0"
	}
	return r
}

// keyFramesEvery makes key frames regular, rate being pictures a second.
func keyFramesEvery(rate int) Remedies {
	n := keyFrameSeconds * rate
	return Remedies{
		OBS:       fmt.Sprintf("Settings > Output > Streaming, Output Mode Advanced: Keyframe Interval %d s.", keyFrameSeconds),
		FFmpeg:    fmt.Sprintf("-g %d", n),
		GStreamer: fmt.Sprintf("x264enc key-int-max=%d; vah264enc key-int-max=%d; vp8enc keyframe-max-dist=%d", n, n, n),
	}
}

// keyFramesSteady keeps encoders from putting key frames in at cuts.
func keyFramesSteady(rate int) Remedies {
	n := keyFrameSeconds * rate
	return Remedies{
		OBS: fmt.Sprintf("Settings > Output > Streaming, Output Mode Advanced: Keyframe Interval %d s; with x264, x264 Options scenecut=0.",
			keyFrameSeconds),
		FFmpeg:    fmt.Sprintf("-g %d -sc_threshold 0", n),
		GStreamer: fmt.Sprintf("x264enc key-int-max=%d option-string=\"scenecut=0\"", n),
	}
}

// withSets puts parameter sets in front of key frames.
func withSets(name string) Remedies {
	r := Remedies{
		OBS:       "Settings > Stream: untick “Ignore streaming service setting recommendations”, so that the encoder repeats its headers.",
		FFmpeg:    "-bsf:v dump_extra=freq=keyframe",
		GStreamer: "h264parse config-interval=-1 ! rtph264pay config-interval=-1",
	}
	if name == codec.H265 {
		r.GStreamer = "h265parse config-interval=-1 ! rtph265pay config-interval=-1"
	}
	return r
}

// inStereo sends two channels.
func inStereo() Remedies {
	return Remedies{
		OBS:       "Settings > Audio > General: Channels Stereo.",
		FFmpeg:    "-ac 2",
		GStreamer: "audioconvert ! audio/x-raw,channels=2 ! opusenc",
	}
}

// atRate sends so many bits a second, in all.
func atRate(rate float64) Remedies {
	kilobits := max(int(rate/1e5)*100, 100)
	return Remedies{
		OBS:       fmt.Sprintf("Settings > Output > Streaming: Bitrate %d Kbps, Rate Control CBR.", kilobits),
		FFmpeg:    fmt.Sprintf("-b:v %dk -maxrate %dk -bufsize %dk", kilobits, kilobits, kilobits),
		GStreamer: fmt.Sprintf("x264enc bitrate=%d; whipclientsink max-bitrate=%d", kilobits, 1000*kilobits),
	}
}

// withHistory keeps packets to send them again.
func withHistory() Remedies {
	return Remedies{
		OBS:       "OBS sends video again by itself: use its newest version, and see that no firewall holds back what this server sends to its UDP port.",
		FFmpeg:    "FFmpeg 8.1 or later, -rtp_history 1024",
		GStreamer: "whipclientsink do-retransmission=true; with webrtcbin, do-nack=true on its transceivers",
	}
}

// inTime lets the clock of the media be that of the machine. Fast media is often
// a file that is sent as quickly as it is read, slow media a machine that cannot
// keep up.
func inTime(fast bool) Remedies {
	if fast {
		return Remedies{
			OBS:       "Settings > Audio > General: Sample Rate 48 kHz, and the same in the system's settings of the sound device.",
			FFmpeg:    "-re in front of the -i of a file, -use_wallclock_as_timestamps 1 in front of that of a device; -af aresample=async=1000",
			GStreamer: "sources with do-timestamp=true, identity sync=true behind a file's; alsasrc provide-clock=false ! audiorate",
		}
	}
	return Remedies{
		OBS:       "Settings > Output > Streaming, Output Mode Advanced: a hardware encoder, or with x264 CPU Usage Preset ultrafast. Settings > Audio > General: Sample Rate 48 kHz, as the sound device has it.",
		FFmpeg:    "-preset ultrafast, or a hardware encoder such as -c:v h264_nvenc; -use_wallclock_as_timestamps 1 in front of the -i of a device; -af aresample=async=1000",
		GStreamer: "x264enc speed-preset=ultrafast tune=zerolatency; sources with do-timestamp=true; alsasrc provide-clock=false ! audiorate",
	}
}
