// Package mediatest makes recorded media for tests: small files byte by byte, of which fuzzers begin, and real ones with
// FFmpeg. Only tests import it.
package mediatest
