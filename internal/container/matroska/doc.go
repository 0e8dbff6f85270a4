// Package matroska reads Matroska and WebM: a [Stream] from the front, out of a file or of a pipe that FFmpeg writes to, and a
// [File] that can begin anew anywhere. It is a room of its own because both what opens files and what runs FFmpeg need it,
// and the second has no use for other containers.
//
// What is read is never believed: sizes and counts are bounded before anything is allocated for them, an element that claims
// more than the file has is an error, and so is a time that cannot be. Errors of a file wrap [media.ErrDamaged].
//
// Matroska is read here, not by go-mkvparse: that one pushes where a player has to pull, reads numbers with a single Read,
// which pipes cut short, drops the errors of its handlers, and nests one call deeper for each cluster of unknown size.
package matroska
