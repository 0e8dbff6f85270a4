// Package file reads recorded media and feeds streams with them, without transcoding: MP4 and fragmented MP4, Matroska and
// WebM, IVF, Ogg with Opus, and the byte streams of H.264 and H.265. It stands apart from publisher because hostile bytes
// are read here, and from exec because that starts processes: exec reads what FFmpeg writes with [ReadMatroska] and hands it
// on with [Live].
//
// A demuxer turns a container into [Unit]s: access units as RTP wants them, with their times. [Live] writes units of an
// input that has a clock of its own as they come; the source of kind "file" reads them ahead and paces them.
//
// What is read is never believed: sizes and counts are bounded before anything is allocated for them, an element that
// claims more than the file has is an error, and so is a time that cannot be. Errors of a file wrap [ErrDamaged] or
// [ErrUnsupported].
//
// Matroska is read here, not by go-mkvparse: that one pushes where a player has to pull, reads numbers with a single Read,
// which pipes cut short, drops the errors of its handlers, and nests one call deeper for each cluster of unknown size.
package file
