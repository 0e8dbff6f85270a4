//go:build !soak

package exec

const (
	cycles = 3 // of TestCycles
	long   = false
)

func moreFilms() map[string]filmed { return nil } // see the soak
