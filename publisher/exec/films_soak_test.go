//go:build linux && soak

package exec

const (
	cycles = 200 // of TestCycles
	long   = true
)

func moreFilms() map[string]filmed {
	return map[string]filmed{
		"aac.mp4":       {[]string{"-c:v", "libx264", "-bf", "0", "-g", "25", "-c:a", "aac", "-movflags", "faststart"}, plan{true, false}},
		"bframes.mkv":   {[]string{"-c:v", "libx264", "-bf", "2", "-g", "25", "-c:a", "libopus"}, plan{false, true}},
		"fits.mkv":      {[]string{"-c:v", "libx264", "-bf", "0", "-g", "25", "-c:a", "libopus"}, plan{true, true}},
		"tenbit.ts":     {[]string{"-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p10le", "-c:a", "mp2"}, plan{false, false}},
		"mpeg2.ts":      {[]string{"-c:v", "mpeg2video", "-c:a", "libopus"}, plan{false, true}},
		"interlaced.ts": {[]string{"-c:v", "libx264", "-bf", "0", "-x264-params", "interlaced=1", "-c:a", "libopus"}, plan{false, true}},
	}
}
