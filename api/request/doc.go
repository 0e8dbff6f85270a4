// Package request reads what an HTTP request says: who sends it and through what, its token, its query, what it accepts, a
// body of JSON. What cannot be understood it refuses by name, all mistakes at once, with a *wish.Refusal.
//
// It is a package because the protocols' side of the HTTP face and the control API both read requests, and neither is below
// the other.
package request
