//go:build !soak

package exec

const cycles = 9 // of TestCycles

func moreFilms() map[string]filmed { return nil } // see the soak
