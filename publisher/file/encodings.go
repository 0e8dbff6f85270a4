package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

const (
	maxEncodings = 8
	// maxNames is how many names of a folder are looked at for other encodings.
	maxNames = 10_000
)

// encodingLabels are what may stand in front of a file's ending to say that the file is one of several encodings of a clip.
func encodingLabels() []string { return []string{"h264", "avc", "vp8", "vp9", "av1", "h265", "hevc"} }

// clipOf takes an encoding's name apart: "clip.vp9.webm" is "clip" in "vp9".
func clipOf(name string) (clip, label string, ok bool) {
	stem := strings.TrimSuffix(name, path.Ext(name))
	label = strings.ToLower(strings.TrimPrefix(path.Ext(stem), "."))
	clip = strings.TrimSuffix(stem, path.Ext(stem))
	return clip, label, clip != "" && slices.Contains(encodingLabels(), label)
}

// encodings are the files of one clip: that of the name first, then the others of its folder, H.264 before what is newer. A
// name that no file has is that of a clip: "clip" and "clip.mp4" stand for "clip.h264.mp4".
func encodings(root *os.Root, name string) ([]string, error) {
	_, err := root.Stat(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look for the file: %w", err)
	}
	exists := err == nil
	clip, _, labelled := clipOf(path.Base(name))
	if exists && !labelled {
		return []string{name}, nil
	}
	if !labelled {
		clip = path.Base(name)
	}
	others, err := labelledFiles(root, path.Dir(name), func(other string) bool {
		return other == clip || !labelled && other == strings.TrimSuffix(clip, path.Ext(clip))
	})
	if err != nil {
		return nil, err
	}
	all := others
	if exists {
		all = append([]string{name}, slices.DeleteFunc(others, func(o string) bool { return o == name })...)
	}
	if len(all) == 0 {
		return nil, os.ErrNotExist
	}
	return all[:min(len(all), maxEncodings)], nil
}

// labelledFiles are the encodings in a folder whose clip is one that is looked for.
func labelledFiles(root *os.Root, dir string, is func(clip string) bool) ([]string, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	names, err := f.Readdirnames(maxNames)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the folder: %w", err)
	}
	slices.Sort(names)
	var all []string
	for _, label := range encodingLabels() {
		for _, n := range names {
			if clip, l, ok := clipOf(n); ok && l == label && is(clip) {
				all = append(all, path.Join(dir, n))
			}
		}
	}
	return all, nil
}
