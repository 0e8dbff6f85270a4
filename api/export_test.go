package api

import "net/http"

// A RouteView is what tests may know of a route.
type RouteView struct {
	Method, Pattern, Right string
	Resource               bool
}

type noResource struct{}

func (noResource) Serve(http.ResponseWriter, *http.Request) error { return nil }

// AllRoutes walks the route table, one element for each method.
func AllRoutes() []RouteView {
	f := &face{document: new(document), options: Options{WHEP: noResource{}, WHIP: noResource{}, Session: noResource{}}}
	names := map[right]string{open: "open", listed: "listed", admin: "admin", plays: "plays", publishes: "publishes", secret: "secret"}
	var all []RouteView
	for _, r := range f.routes() {
		for _, method := range r.methods {
			all = append(all, RouteView{Method: method, Pattern: r.pattern, Right: names[r.right], Resource: r.resource})
		}
	}
	return all
}
