// Package media is what recorded media come to, whatever container they stood in: tracks, and their access units as RTP wants
// them. The rooms below internal/container read them out of bytes; it stands apart from these so that all of them can share
// it, and so that who plays units need not know where they are from.
//
// A [Converter] makes a unit as a file has it into what RTP wants: parameter sets in front of key frames, NAL units behind
// start codes. It is given hostile bytes: what makes no sense is an error that wraps [ErrDamaged], and nothing is read or
// kept beyond the bounds that are named here.
package media
