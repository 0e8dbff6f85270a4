// Package api is the HTTP face of Weir: the router with what every request goes through, and the pages.
//
// It alone knows gin. A resource is anything with the method Serve(http.ResponseWriter, *http.Request) error; path
// parameters reach it as r.PathValue, the request's id as the response header X-Request-Id, and an error it returns
// is written here, once, with wish.WriteError. What belongs to a protocol (CORS, OPTIONS, Accept-Post, Accept-Patch,
// 405 with Allow) is the resource's own: its routes are handed over for every method.
//
// The resources of the control API are in control, those who follow what happens in eventstream, and what all of them read of
// a request in request. Here are the routes with their rights, and what every error comes to.
//
// The access log holds a route's pattern, never a path, a query or a header field: a session's path is its secret.
package api
