// Package params holds the parameters of a kind of source against their JSON Schema: it applies merge patches (RFC 7396),
// fills in defaults, writes each number in one way, says in words what is wrong with each parameter, and keeps those back that
// are secret.
//
// It is a package because it knows nothing of sources, streams or time: parameters go in as text and come out as text.
package params
