// Package auth says what the bearer of a token may do: play, publish,
// administer.
//
// Tokens have names, so that several publishers can be told apart and one can
// be revoked. They come from the environment and the configuration (fixed), and
// from a state file that the program keeps and that "weir token" changes. The
// file holds the secrets themselves, because the owner is to read them again:
// it is readable by its owner only.
//
// It is a room and not a file of api because it is reviewed more strictly, and
// alone. Nothing here prints a secret: not an error, not a Token in a log.
package auth
