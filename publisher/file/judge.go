package file

import (
	"fmt"
	"strings"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
)

// A verdict is what is to be said of a file, by its tracks.
type verdict struct {
	name     string
	tracks   []media.Track
	converts bool // an FFmpeg is there
	anew     bool // the picture is to be encoded anew
}

// judge says what can be played, and what is to be done about the rest.
func (r *Report) judge(v verdict, keys int) {
	video, audio := media.Choose(v.tracks)
	hindered := ""
	if video >= 0 {
		hindered = hindrance(v.tracks[video], r.BFrames)
		v.anew = hindered != "" || v.tracks[video].Rotation != 0 || v.tracks[video].Interlaced
	}
	switch {
	case hindered != "" && !v.converts:
		r.Problem = hindered + " " + remedy(v.name, v.tracks)
	case video >= 0 && keys == 0:
		r.Problem = "No key frame was found: viewers would see nothing. " + remedy(v.name, v.tracks)
	case video < 0 && audio < 0 && (!mute(v.tracks) || !v.converts):
		r.Problem = "There is no track in it that browsers play. It has " + codecs(v.tracks) + ". " + remedy(v.name, v.tracks)
	default:
		r.Playable = true
	}
	if !r.Playable {
		return
	}
	if hindered != "" {
		r.Warnings = append(r.Warnings, hindered+" So FFmpeg encodes it while it plays. To spare that: "+anew(v.name, v.tracks))
	} else if video >= 0 {
		r.Warnings = append(r.Warnings, v.looks(v.tracks[video])...)
	}
	r.Warnings = append(r.Warnings, v.leftOut(video, audio)...)
	if hindered == "" && r.KeyFrameInterval > milliseconds(10*time.Second) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("Key frames are %.0f s apart: who joins may see a still picture for as long. %s",
			r.KeyFrameInterval/1000, remedy(v.name, v.tracks)))
	}
}

// hindrance says why a picture cannot be sent as it is, though its codec is one that browsers play; "": it can.
func hindrance(t media.Track, bframes bool) string {
	if bframes {
		return bframesText
	}
	switch profile := formatOf(t).Profile(); profile {
	case codec.ProfileHigh10, codec.ProfileHigh422:
		return fmt.Sprintf("The picture is H.264 of the profile %s, with more bits or colours than any browser takes.", profile)
	default:
		return ""
	}
}

const bframesText = "The picture has B-frames, which WebRTC cannot carry: viewers would see nothing but key frames."

// looks are the warnings about a picture that can be sent, and would be seen otherwise than it should.
func (v verdict) looks(t media.Track) (warnings []string) {
	switch {
	case t.Rotation == 0:
	case v.converts:
		warnings = append(warnings, fmt.Sprintf("The picture is to be turned by %d degrees clockwise, of which browsers learn nothing. So FFmpeg "+
			"turns it while it plays. To spare that: %s", t.Rotation, anew(v.name, v.tracks)))
	default:
		warnings = append(warnings, fmt.Sprintf("The picture is to be turned by %d degrees clockwise, of which browsers learn nothing: it lies on "+
			"its side, or on its head. To turn it: %s", t.Rotation, anew(v.name, v.tracks)))
	}
	if t.Interlaced {
		warnings = append(warnings, "The picture may be interlaced: what moves has combs, and some browsers show nothing. To mend it: "+
			strings.Replace(anew(v.name, v.tracks), " -c:v ", " -vf yadif -c:v ", 1))
	}
	return warnings
}

// leftOut are the warnings about tracks that are not played as they are.
func (v verdict) leftOut(video, audio int) (warnings []string) {
	for _, t := range v.tracks {
		switch {
		case t.Playable():
		case t.Kind == codec.Video && video < 0:
			warnings = append(warnings, fmt.Sprintf("The picture is %s, which browsers do not play: there is sound only. %s", t.Codec, remedy(v.name, v.tracks)))
			video, v.anew = 0, true
		case t.Kind == codec.Audio && audio < 0:
			warnings = append(warnings, v.sound(t.Codec))
			audio = 0
		}
	}
	return warnings
}

// sound tells of a sound that only FFmpeg makes into Opus.
func (v verdict) sound(name string) string {
	line := fmt.Sprintf("ffmpeg -i %s -c:v copy -c:a libopus %s", quote(base(v.name)), quote(renamed(v.name, "mkv")))
	if v.anew || !pictured(v.tracks) { // two lines that write one file would undo each other
		line = anew(v.name, v.tracks)
	}
	if v.converts {
		return fmt.Sprintf("The sound is %s, which browsers do not take by WebRTC. So FFmpeg makes it Opus while it plays. To spare that: %s", name, line)
	}
	return fmt.Sprintf("The sound is %s, which browsers do not take by WebRTC: it is left out unless FFmpeg is installed here. "+
		"To keep it, make it Opus: %s", name, line)
}

// problemBFrames tells of B-frames, with the line that mends the file.
func problemBFrames(name string, tracks []media.Track) string {
	return bframesText + " " + remedy(name, tracks)
}

// remedy is the line that makes a file playable.
func remedy(name string, tracks []media.Track) string { return "Encode it anew: " + anew(name, tracks) }

// anew is the line alone.
func anew(name string, tracks []media.Track) string {
	if !pictured(tracks) {
		return fmt.Sprintf("ffmpeg -i %s -c:a libopus %s", quote(base(name)), quote(renamed(name, "opus")))
	}
	return fmt.Sprintf("ffmpeg -i %s -c:v libx264 -profile:v baseline -bf 0 -g 60 -pix_fmt yuv420p -c:a libopus %s",
		quote(base(name)), quote(renamed(name, "mkv")))
}

// pictured says whether there is a picture in a file, of whatever codec; nothing at all counts as one.
func pictured(tracks []media.Track) bool {
	for _, t := range tracks {
		if t.Kind == codec.Video {
			return true
		}
	}
	return len(tracks) == 0
}
