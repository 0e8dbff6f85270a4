package api

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"

	"weir/api/request"
	"weir/auth"
	"weir/internal/wish"
)

// checkHost refuses, on a loopback listener, a request that names another machine (RFC 9110 15.5.20).
func (f *face) checkHost(c *gin.Context) {
	if !f.options.Loopback || f.knowsHost(c.Request.Host) {
		c.Next()
		return
	}
	x := exchangeIn(c)
	x.err = &wish.Refusal{
		Status: http.StatusMisdirectedRequest, Code: "wrong_host",
		Detail: "This server listens on this machine alone and is not known by the name that the request has as its Host.",
		Remedy: "Use http://localhost or http://127.0.0.1 with the port, or put the name into the server's list of hosts.",
	}
	wish.WriteError(c.Writer, c.Request, x.err)
	c.Abort()
}

// knowsHost says whether the Host is this machine or was configured. An HTTP/1.0 client may have none: it is no
// browser, which always sends one.
func (f *face) knowsHost(host string) bool {
	if host == "" {
		return true
	}
	name := hostName(host)
	if name == "localhost" || f.hosts[name] {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Zone() == "" && addr.IsLoopback()
}

// hostName is a Host without its port and brackets, in lower case and without the dot of a complete name.
func hostName(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil { // no port
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

func hostSet(hosts []string) map[string]bool {
	set := make(map[string]bool, len(hosts))
	for _, host := range hosts {
		set[hostName(host)] = true
	}
	delete(set, "")
	return set
}

func refuseOrigin() error {
	return &wish.Refusal{
		Status: http.StatusForbidden, Code: "foreign_origin",
		Detail: "The request comes from a page of another site.",
		Remedy: "Use the pages of this server, or a program that is no browser.",
	}
}

// ask asks for one right. What it refuses is a *wish.Refusal.
func (f *face) ask(r *http.Request, action auth.Action, private bool) error {
	x := exchangeOf(r)
	identity, err := f.options.Access.Authorize(r.Context(), auth.Request{
		Credential: request.Bearer(r), Action: action, Stream: x.stream, Private: private,
	})
	if x.asked = action; identity.Name != "" {
		x.token = identity.Name
	}
	return refuseAccess(err, action)
}

func (f *face) mayAdminister(r *http.Request) error { return f.ask(r, auth.Administer, false) }

// listStreams tells everybody of the public streams that are live, and who administers of all there are.
func (f *face) listStreams(w http.ResponseWriter, r *http.Request) error {
	switch err := f.mayAdminister(r); {
	case err == nil:
		return f.control.ListStreams(w, r)
	case refused(err):
		return f.control.ListPublicStreams(w, r)
	default:
		return err
	}
}

// refused says whether err is a refusal, so that there is an answer to the question who may do what.
func refused(err error) bool {
	_, ok := errors.AsType[*wish.Refusal](err)
	return ok
}

// refuseAccess is the refusal for an error of auth's (RFC 6750 3). Any other error passes.
func refuseAccess(err error, action auth.Action) error {
	const realm = `Bearer realm="weir"`
	switch {
	case errors.Is(err, auth.ErrNoToken):
		return &wish.Refusal{
			Status: http.StatusUnauthorized, Code: "token_missing",
			Detail:  "This needs a token with the right to " + action.String() + ".",
			Remedy:  "Send one in the field Authorization: Bearer. The command weir token list -show shows the tokens that there are.",
			Headers: map[string]string{"WWW-Authenticate": realm},
		}
	case errors.Is(err, auth.ErrUnknownToken):
		return &wish.Refusal{
			Status: http.StatusUnauthorized, Code: "token_unknown",
			Detail:  "The token is not known here.",
			Remedy:  "Check it: it may have been changed or revoked. The command weir token list -show shows the tokens that there are.",
			Headers: map[string]string{"WWW-Authenticate": realm + `, error="invalid_token"`},
		}
	case errors.Is(err, auth.ErrForbidden):
		return &wish.Refusal{
			Status: http.StatusForbidden, Code: "token_forbidden",
			Detail:  "The token does not have the right to " + action.String() + ".",
			Remedy:  "Use a token that has it. The command weir token list shows what each may do.",
			Headers: map[string]string{"WWW-Authenticate": realm + `, error="insufficient_scope", scope="` + action.String() + `"`},
		}
	}
	return err
}
