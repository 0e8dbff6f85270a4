// Package wishtest proves, for tests, the rules that WHIP and WHEP share, at a
// running server of either: each rule is a [Check] by the id that it has in the
// project's list of requirements. It stands apart since the tests of two packages
// run it. It knows the server by its answers alone.
package wishtest
