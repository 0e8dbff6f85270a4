// Package file is the kind of source "file": a recorded file, or one of several encodings of a clip, that is read ahead and
// paced into a stream as it is, and by way of a [Transcode] where browsers could not take it. [Probe] says beforehand what of
// a file can be played, and what to do about the rest. What is in a file is read by internal/container, with its bounds; it
// is played by one goroutine, which ends with its context.
package file
