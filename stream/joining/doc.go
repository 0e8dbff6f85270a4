// Package joining is the reckoning of a replay: at what pace, and under which
// timestamps, a viewer that comes in the middle gets what the cache holds since
// the last key frame, until it has reached what comes in.
//
// It reads a [cache.Track] and tells its caller what may go out now. It sends
// nothing, gives no numbers and knows neither viewers nor streams: so the rules
// stand apart from the path of every packet, and are tested without one. All
// replays of a server share the rate of one [Budget].
package joining
