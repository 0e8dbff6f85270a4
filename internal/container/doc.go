// Package container opens recorded files by their first bytes, whatever their names, and reads them unit by unit: MP4 and
// fragmented MP4, Matroska and WebM, IVF, Ogg with Opus, and the byte streams of H.264 and H.265. It stands apart from
// publisher because hostile bytes are read here; the two large formats have rooms of their own below.
//
// What is read is never believed: sizes and counts are bounded before anything is allocated for them, an element that
// claims more than the file has is an error, and so is a time that cannot be. Errors of a file wrap [media.ErrDamaged] or
// [media.ErrUnsupported]; a panic of a reader is the first of them. Whatever goes through a file ends with its context.
package container
