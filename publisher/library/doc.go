// Package library keeps the media folder: it lists its files with what was found in each, takes uploads in parts that go on
// after whatever breaks them off, and deletes. It reads no media itself; what does is given to it. It stands apart from
// publisher/file, which plays the same files, because neither needs the other.
//
// Nothing leads out of the folder, and what is hidden in it, or is no regular file, is not there. A file is there under its
// name only once all its bytes are, and what the folder may come to is held before an upload begins.
package library
