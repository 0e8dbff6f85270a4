package api_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"weir/api"
)

// Targets and methods that only a program makes up: each has a sober answer, none gets past who may.
func TestOddRequests(t *testing.T) {
	w := newWorld(t, worldOptions{change: func(o *api.Options) { o.Loopback = true }})
	serve(t, w.face, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		for request, status := range map[string]int{
			"GET * HTTP/1.1":                                              404,
			"OPTIONS * HTTP/1.1":                                          200, // net/http's own
			"CONNECT localhost:80 HTTP/1.1":                               404,
			"CONNECT /api/v1/time HTTP/1.1":                               405,
			"GET http://localhost/api/v1/time HTTP/1.1":                   401,
			"GET http://elsewhere.example/api/v1/time HTTP/1.1":           421,
			"GET //api/v1/time HTTP/1.1":                                  404,
			"GET /api//v1/time HTTP/1.1":                                  404,
			"GET /API/v1/time HTTP/1.1":                                   404,
			"GET /api/v1/time/ HTTP/1.1":                                  404,
			"GET /api/v1/./time HTTP/1.1":                                 404,
			"GET /x/../api/v1/time HTTP/1.1":                              404,
			"GET /api%2fv1%2ftime HTTP/1.1":                               401,
			"GET /api/v1/time%00 HTTP/1.1":                                404,
			"GET /static/%2e%2e/static.go HTTP/1.1":                       404,
			"GET /static/..%5cstatic.go HTTP/1.1":                         404,
			"GET /static/home.html HTTP/1.1":                              404,
			"GET /static/files/base.css HTTP/1.1":                         404,
			"get /api/v1/time HTTP/1.1":                                   405,
			"PURGE /api/v1/streams/x HTTP/1.1":                            405,
			"TRACE /api/v1/time HTTP/1.1":                                 405,
			"POST /api/v1/time HTTP/1.1\r\nX-HTTP-Method-Override: GET":   405,
			"GET /api/v1/streams/x HTTP/1.1\r\nX-Original-URL: /healthz":  401,
			"HEAD /api/v1/explain HTTP/1.1":                               405,
			"OPTIONS /api/v1/streams/x HTTP/1.1\r\nOrigin: http://a.b":    204,
			"GET /api/v1/time HTTP/1.0":                                   401,
			"GET /session/ HTTP/1.1":                                      404,
			"GET /whep/ HTTP/1.1":                                         404,
			"GET /streams/whep HTTP/1.1\r\nAccept: application/json":      404,
			"GET /whep/whep HTTP/1.1\r\nAccept: application/json":         404,
			"GET /a%0d%0ab/whep HTTP/1.1\r\nAccept: application/json":     404,
			"GET /whep/x HTTP/1.1\r\nAccept: text/html;q=0":               204,
			"GET /whep/x HTTP/1.1\r\nAccept: */*":                         204,
			"GET /whep/x HTTP/1.1\r\nAccept: text/html;q=NaN, text/plain": 204,
		} {
			c := dial()
			host := "Host: localhost\r\n"
			if strings.Contains(request, "HTTP/1.0") {
				host = ""
			}
			method, _, _ := strings.Cut(request, " ")
			send(t, c, request+"\r\n"+host+"Connection: close\r\n\r\n")
			r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method}) //nolint:bodyclose // it ends with the pipe
			if err != nil {
				t.Errorf("%q: %v", request, err)
				continue
			}
			if r.StatusCode != status {
				t.Errorf("%q: %d, want %d", request, r.StatusCode, status)
			}
			if r.Header.Get("Access-Control-Allow-Origin") != "" && strings.Contains(request, "/api/") {
				t.Errorf("%q: may be read by other pages", request)
			}
			_ = c.Close()
		}
	})
	for _, line := range w.log.lines(t) {
		if line["level"] == "ERROR" {
			t.Errorf("logged: %v", line)
		}
	}
}
