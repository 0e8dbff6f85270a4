// Package publisher holds what feeds streams from inside this program: sources of our own, as against WHIP clients.
//
// A [Source] fills one publication. A [Program] is the source made of [Rendition]s that share one start on the monotonic
// clock, so that they stay in step with each other for ever: unit n of a rendition (a picture, 20 ms of sound) is due at
// start + n/rate and carries the RTP timestamp base + n·clockrate/rate, both worked out from n and never summed up.
//
// Each rendition has one goroutine, which alone touches its [Encoder]: C encoders crash the process when two goroutines,
// or one after Close, touch them. Wishes from elsewhere (a key frame, a bit rate) are atomics that it reads once a unit.
// While nobody watches its track, a rendition has no encoder and no timer and costs nothing.
//
// The packages below bring what a rendition encodes or sends: pattern draws, device encodes, clip is encoded already. They
// do not know each other; the program's main package joins them.
package publisher
