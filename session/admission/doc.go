// Package admission keeps the book at the door: how many sessions there may be and
// how many requests may wait, in all and from one address, how fast they may come,
// and for a while who has left, and why.
//
// It counts and remembers; what comes in, waits and ends is package session's. A
// place that is not there is a *wish.Refusal, or for those who only wait a false.
//
// # Locks
//
// Limits.mu, Rates.mu, Room.mu and Tombstones.mu guard maps and counters. None is held while
// another one is taken, or over anything that can wait. There is no goroutine here.
package admission
