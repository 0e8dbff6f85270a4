// Package coach looks at live streams and says what their publishers should
// change: findings, each with the figures that were measured and the setting of
// OBS, FFmpeg and GStreamer that puts it right.
//
// It is a room of its own because nothing of the way of a packet may depend on
// it: it sees what anybody can see of a stream, its counters and what its
// publisher's session reports, and an observer's copy of a few numbers.
//
// One goroutine looks once a second. A check says of what it sees that something
// is wrong, or right, or nothing. A finding is raised after several looks that
// found it wrong, and cleared after several in a row that found it right; what
// says nothing changes nothing. So a short stream has no findings, and a
// publisher that comes back keeps those it had until it has shown better.
package coach
