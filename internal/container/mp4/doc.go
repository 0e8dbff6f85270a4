// Package mp4 reads MP4, with its samples in tables or in fragments. The boxes are found here, where they stand in the file;
// those that are wanted are decoded by mp4ff, from bytes that are known to be there. Tables are kept as compact as they stand
// in the file: a film of hours takes a few megabytes.
//
// What is read is never believed: sizes and counts are bounded before anything is allocated for them, a box that claims more
// than the file has is an error, and so is a time that cannot be. Errors of a file wrap [media.ErrDamaged].
package mp4
