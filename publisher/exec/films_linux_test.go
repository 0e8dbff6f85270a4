//go:build !soak

package exec

func moreFilms() map[string]filmed { return nil } // see the soak
