package api

import (
	"errors"
	"net/http"

	"weir/api/control"
	"weir/internal/wish"
	"weir/publisher"
	"weir/relay"
	"weir/stream"
)

// refusalOf turns what rooms below return into what a client is told. This is the only table of it. A *wish.Refusal, and
// an error that is not in the table, is returned as it is.
func refusalOf(err error) error {
	if err == nil || refused(err) {
		return err
	}
	if source, ok := errors.AsType[*control.SourceError](err); ok {
		return refuseSource(source)
	}
	if published, ok := errors.AsType[*control.PublishedError](err); ok {
		return refusePublished(published)
	}
	if parameters, ok := errors.AsType[*publisher.ParamError](err); ok {
		return refuseParameters(parameters)
	}
	if unavailable, ok := errors.AsType[*publisher.UnavailableError](err); ok {
		return refuseUnavailable(unavailable.Reason)
	}
	if errors.Is(err, relay.ErrHost) {
		return refusePushHost(err)
	}
	if offset, ok := errors.AsType[*publisher.OffsetError](err); ok {
		return refuseOffset(offset)
	}
	for _, known := range []struct {
		cause   error
		refusal func() *wish.Refusal
	}{
		{control.ErrNoStream, refuseNoStream},
		{control.ErrNoSession, refuseNoSession},
		{publisher.ErrNotSupervised, refuseNoStream},
		{publisher.ErrExists, refuseExists},
		{stream.ErrPublished, refuseExists},
		{stream.ErrName, refuseName},
		{publisher.ErrUnknownKind, refuseUnknownSource},
		{publisher.ErrTooMany, refuseTooManySources},
		{publisher.ErrClosed, refuseEnding},
		{stream.ErrClosed, refuseEnding},
		{publisher.ErrNoFile, refuseNoFile},
		{publisher.ErrFileName, refuseFileName},
		{publisher.ErrFileExists, refuseFileExists},
		{publisher.ErrNoFolder, refuseNoFolder},
		{publisher.ErrUploadBusy, refuseUploadBusy},
		{publisher.ErrTooManyUploads, refuseTooManyUploads},
		{publisher.ErrFileTooLarge, refuseFileTooLarge},
		{publisher.ErrQuota, refuseQuota},
		{publisher.ErrDiskFull, refuseDiskFull},
		{relay.ErrNoPush, refuseNoPush},
		{relay.ErrToken, refusePushToken},
		{relay.ErrPushed, refusePushed},
		{relay.ErrLoop, refuseLoop},
		{relay.ErrTooManyPushes, refuseTooManyPushes},
		{relay.ErrEnded, refuseEnding},
	} {
		if errors.Is(err, known.cause) {
			return known.refusal()
		}
	}
	return err
}

func refuseParameters(err *publisher.ParamError) *wish.Refusal {
	r := &wish.Refusal{
		Status: http.StatusUnprocessableEntity, Code: "params_invalid",
		Detail: "The parameters are not what this kind of source takes.",
		Remedy: "Correct those that are listed; GET /api/v1/sources has the JSON Schema of them all.",
	}
	for _, p := range err.Problems {
		r.Problems = append(r.Problems, wish.Problem{Name: fieldOf(p.Name), Detail: p.Detail})
	}
	return r
}

// refuseSource adds to what the table says of a source's error what there is, or why something is not.
func refuseSource(err *control.SourceError) error {
	refusal, ok := errors.AsType[*wish.Refusal](refusalOf(err.Unwrap()))
	switch {
	case !ok:
		return err.Unwrap()
	case refusal.Code == "source_unknown":
		refusal.Has = append(refusal.Has, err.Kinds...)
	case refusal.Code == "source_unavailable" && err.Missing != "":
		refusal.Detail = err.Missing
	}
	return refusal
}

// fieldOf is how the API calls what of a policy is wrong: times are whole milliseconds here.
func fieldOf(name string) string {
	switch name {
	case "stop_after", "restart.delay", "restart.longest":
		return name + "_ms"
	default:
		return name
	}
}

func refuseNoStream() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusNotFound, Code: "stream_not_found",
		Detail: "There is no such stream.",
		Remedy: "GET /api/v1/streams lists those that there are; POST starts one.",
	}
}

func refuseName() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusNotFound, Code: "stream_name_invalid",
		Detail: "This is not a name that a stream can have.",
		Remedy: nameRule,
	}
}

// nameRule is what stream.Registry takes, in words.
const nameRule = "A name has letters, digits, dots, dashes and underscores, at most 64, begins with a letter or a digit, " +
	"and is neither the first part of an address of the server's own nor like a token."

func refusePublished(err *control.PublishedError) *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusConflict, Code: "published_by_session",
		Detail: "A session publishes this stream, and no source of the server.",
		Remedy: "End it with DELETE /api/v1/sessions/" + err.Session + " first, or choose another name.",
	}
}

func refuseExists() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusConflict, Code: "stream_exists",
		Detail: "The stream has a source already.",
		Remedy: "Change it with PATCH, end it with DELETE first, or choose another name.",
	}
}

func refuseUnknownSource() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusUnprocessableEntity, Code: "source_unknown",
		Detail: "There is no such kind of source.",
		Remedy: "GET /api/v1/sources lists the kinds that there are.",
	}
}

func refuseUnavailable(reason error) *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusUnprocessableEntity, Code: "source_unavailable",
		Detail: "This source cannot run: " + reason.Error() + ".",
		Remedy: "GET /api/v1/sources says why, and which kinds can.",
	}
}

func refuseTooManySources() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusServiceUnavailable, Code: "too_many_sources",
		Detail: "The server runs as many sources as it may.",
		Remedy: "End one with DELETE.", Headers: retryLater(),
	}
}

func refuseEnding() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusServiceUnavailable, Code: "shutting_down",
		Detail: "The server is ending.",
		Remedy: "Try again when it has been started anew.", Headers: retryLater(),
	}
}

func refuseNoSession() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusNotFound, Code: "session_not_found",
		Detail: "There is no such session, or it has ended.",
		Remedy: "GET /api/v1/sessions lists those that there are, by their id.",
	}
}

// retryLater is the field that says so, in seconds.
func retryLater() map[string]string { return map[string]string{"Retry-After": "5"} }
