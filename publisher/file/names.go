package file

import (
	"cmp"
	"strings"

	"weir/internal/media"
)

// quote makes a name one word of a shell.
func quote(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") == "" && !strings.HasPrefix(s, "-") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// base is the last part of a path, whatever parts the system puts between; never like an option.
func base(path string) string {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	if strings.HasPrefix(name, "-") {
		return "./" + name
	}
	return name
}

// renamed is another name, with another ending.
func renamed(path, ending string) string {
	name := base(path)
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	return name + ".webrtc." + ending
}

// codecs lists what the tracks are.
func codecs(tracks []media.Track) string {
	var all []string
	for _, t := range tracks {
		all = append(all, cmp.Or(t.Codec, "an unknown codec"))
	}
	if len(all) == 0 {
		return "no picture and no sound"
	}
	return strings.Join(all, ", ")
}
