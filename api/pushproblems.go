package api

import (
	"net/http"

	"weir/api/request"
	"weir/internal/wish"
	"weir/relay"
)

// The refusals of pushes; problem.go says what each is for.

func refuseNoPush() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusNotFound, Code: "push_not_found", Detail: "There is no such push.",
		Remedy: "GET /api/v1/streams/NAME/pushes lists those of a stream.",
	}
}

func refusePushHost(err error) *wish.Refusal {
	refusal := request.RefuseField("host_not_allowed", "The address is not one that streams may be pushed to.", "url", "is not allowed: "+relay.Why(err))
	refusal.Remedy = "The setting relay.hosts lists the servers that may be spoken to: correct the address, or add its host there."
	return refusal
}

func refusePushToken() *wish.Refusal {
	return request.RefuseField("token_invalid", "The token is none that can be sent.", "token", "must be visible ASCII characters without a space, 4096 at most")
}

func refusePushed() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusConflict, Code: "push_exists", Detail: "The stream is pushed to that address already.",
		Remedy: "End that push with DELETE first.",
	}
}

func refuseLoop() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusLoopDetected, Code: "loop", Detail: "The stream has come through too many servers.",
		Remedy: "Push it from a server that is nearer to its origin.",
	}
}

func refuseTooManyPushes() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusServiceUnavailable, Code: "too_many_pushes", Detail: "There are as many pushes as there may be.",
		Remedy: "End one with DELETE.", Headers: retryLater(),
	}
}
