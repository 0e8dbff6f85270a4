// Package negotiate decides what an offer and a stream have in common, and writes
// the SDP that says so (RFC 3264, RFC 9429).
//
// [Egress] answers a player's offer and [Ingest] a publisher's: what they make of
// it is a [Plan], which writes the answer, or a *wish.Refusal. [Pull] and [Push]
// make the [Terms] of an offer of our own, which read the other server's answer
// into a Plan of the same kind. A Plan also says what pion is told: only as much
// as leaves pion's own matching no choice. Which of the other end's candidates
// pion hears of, early or late, a [CandidateFilter] says.
//
// All of it follows from the texts and the stream's tracks alone. Nothing waits,
// asks, counts or is kept, so that what would become of an offer can be explained
// without a session. An offer is a stranger's: what is repeated of it is a token
// that was checked, an answer stays below 8,192 bytes, and neither a refusal nor
// an error repeats a line.
//
// There is no goroutine and no lock here: what was planned of an offer is only read.
package negotiate
