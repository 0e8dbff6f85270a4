// Package config is what an operator decides: one Config, put together from
// defaults, a YAML file, the environment and flags, each over the one before.
// Nothing is taken silently: what is unknown, given twice, of the wrong type or
// out of range is a Mistake with its place, and all of them are found in one run.
//
// No mistake repeats a token or an ICE server, which may hold a password.
package config
