// Package control is the control API: what a server that runs can be asked and told over HTTP, as openapi.yaml describes it.
// It is about the rooms below: sources, streams, sessions, pushes, media files, and the server itself.
//
// Its resources are plain net/http, as those of the protocols are: a method of [API] answers one method of one path, finds
// path parameters as r.PathValue, and returns an error instead of writing one. Package api routes to them, asks before who may,
// and knows what each error comes to as a status.
package control
