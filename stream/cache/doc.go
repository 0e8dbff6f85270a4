// Package cache is what all viewers of a track share: a source's packets on one
// line that goes on whatever source writes, the newest group of pictures among
// them, and the clocks that tell which timestamp belongs to which time.
//
// It is the one part of the hot path that a source and the viewers both touch, so
// it stands alone, where what may be read while it is written can be seen whole.
//
// One goroutine at a time writes a [Track]; any number read it, without locks and
// without copies: what they get never changes. Nothing here knows a viewer, a
// stream or whose packets these are.
package cache
