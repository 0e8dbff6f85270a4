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
// A [Kind] is a kind of source that can be asked for by name, with parameters that a JSON Schema describes. The [Supervisor]
// holds the sources by stream: it starts them, changes them so that viewers stay, starts one that failed again, and stops
// them. Each stream's source has one token, held by whoever starts, changes, restarts or stops it; Supervisor.mu guards
// maps and small fields and is never held over a call into a source, the registry or a callback.
//
// The packages below bring what a rendition encodes or sends: pattern draws, device encodes, clip is encoded already. They
// do not know each other; the program's main package joins them. params, which is below this package and for it alone, holds a
// kind's parameters against their schema; slate plays where a stream waits for its publisher.
package publisher
