// Package exec is an FFmpeg child as a source: whatever FFmpeg can open, as Matroska through a pipe.
//
// # What may be opened
//
// An input is a URL of a known scheme, a device, or a graph of FFmpeg's virtual device lavfi; a configured list says which. The
// child gets an address that is put together anew from its parts, so that FFmpeg and the check cannot read it differently, in a
// slice of arguments and through no shell. What an input leads to is limited by FFmpeg itself: -protocol_whitelist and
// -format_whitelist hold only what its scheme needs, so no playlist reaches a file, and neither concat:, subfile, data:, tee
// nor the formats concat and sdp are there. (The option -safe belongs to the format concat alone, which is not allowed.) No redirect
// of an HTTP input is followed (which takes FFmpeg 5.1). A host's addresses are looked up before each start, and none may be of
// this machine, its link or its cloud unless it is listed as an address.
//
// Not limited are the hosts that a playlist names, within the scheme's protocols: HTTP may lead to HTTP anywhere, there by
// redirects too, and a playlist of playlists to a bare TCP connection. FFmpeg looks a host up once more by itself, so whoever
// answers for its name in DNS can answer it differently. A server of RTSP redirects FFmpeg to any host and port, listed or not,
// this machine's too, and FFmpeg sends the user and the password there: its demuxer has no option against that, and to ask the
// server first would not help against one that answers Weir and FFmpeg differently. Who does not trust a host, its name or its
// playlists with what this machine can reach keeps the machine from reaching it, and gives it no password used elsewhere.
//
// Certificates are verified for https and rtmps, by FFmpeg: their host's name too where it is built with GnuTLS, not in all
// versions with OpenSSL. They are not for rtsps, of which FFmpeg's demuxer has no such option, nor for what a playlist names:
// FFmpeg hands the option on to neither.
//
// Graphs are refused unless all of their filters are on a short list of those that open nothing; of the arguments there is only
// what numbers, colours and simple expressions need. A graph can read and write files otherwise (movie, textfile=, /option=).
//
// # The child
//
// It leads a process group of its own, which is asked to end, and 500 ms later killed, when its source ends, when nothing has
// come of it for a while, and when its leader has ended. On Linux the kernel kills it when Weir is killed. Elsewhere it ends
// when it next writes to the pipe that nobody reads. What leaves its process group, which FFmpeg never does, is out of reach.
//
// It gets no environment but a short list of variables, so no token of Weir's. Its arguments, with a camera's password, can be
// seen in the machine's list of processes: FFmpeg takes them in no other way.
//
// # Copy or transcode
//
// There is no probe beforehand, which would be a second connection to a camera that may take one only. The first child copies
// what comes; its Matroska header tells the codecs as a probe would, and in the good case that was it. What does not fit (a
// codec other than H.264 and Opus, H.264 that is not 8-bit 4:2:0, pictures out of order, now or later) is transcoded by a
// second child in its place, and the rest is copied. Where FFmpeg cannot write a header at all, as with AAC of MPEG-TS, and so
// of HLS, SRT and UDP, the sound is transcoded first, the picture after that. What was learned is kept, so that a restart needs one child. Sources of raw media, which devices
// and graphs are, are transcoded at once.
package exec
