package api

import (
	"net/http"
	"strconv"

	"weir/internal/wish"
	"weir/publisher"
)

// The refusals of media files; problem.go says what each is for.

func refuseNoFile() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusNotFound, Code: "file_not_found", Detail: "There is no such file in the media folder.",
		Remedy: "GET /api/v1/files lists those that there are; PUT brings one.",
	}
}

func refuseFileName() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusUnprocessableEntity, Code: "file_name_invalid", Detail: "This is not a path that a media file can have.",
		Remedy: `A path is below the media folder and has slashes; each name in it has at most 200 bytes and begins with no dot. ` +
			`A new file has an ending such as .mp4 and none of \ : * ? " < > |.`,
	}
}

func refuseFileExists() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusPreconditionFailed, Code: "file_exists", Detail: "There is a file of this name already.",
		Remedy: "Choose another name, or send the request without If-None-Match to replace it.",
	}
}

func refuseNoFolder() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusConflict, Code: "folder_missing",
		Detail: "The folder of the file is not there, or the name is a folder's.",
		Remedy: "Folders are made on the server; choose one that is there.",
	}
}

func refuseUploadBusy() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusConflict, Code: "upload_busy", Detail: "Another upload of this file is arriving.",
		Remedy: "Wait for its end. One that broke off is noticed within half a minute.", Headers: retryLater(),
	}
}

func refuseTooManyUploads() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusServiceUnavailable, Code: "too_many_uploads", Detail: "As many files arrive as may at once.",
		Remedy: "Try again when one of them has arrived.", Headers: retryLater(),
	}
}

func refuseFileTooLarge() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusRequestEntityTooLarge, Code: "file_too_large",
		Detail: "The file is larger than all files in the media folder may be together.",
		Remedy: "Raise media.quota in the configuration, or make the file smaller.",
	}
}

func refuseQuota() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusInsufficientStorage, Code: "media_quota_reached",
		Detail: "The file does not fit into the media folder beside those that are there or arrive.",
		Remedy: "Delete some, or raise media.quota in the configuration.",
	}
}

func refuseDiskFull() *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusInsufficientStorage, Code: "disk_full",
		Detail: "The server's disk has no room for the file beside what is to be kept free.",
		Remedy: "Make room on it, or lower media.keep_free in the configuration. What has arrived is kept for a day.",
	}
}

func refuseOffset(err *publisher.OffsetError) *wish.Refusal {
	refusal := &wish.Refusal{
		Status: http.StatusRequestedRangeNotSatisfiable, Code: "upload_offset",
		Detail: "The part does not begin where the upload of this file has come to.",
		Remedy: "Go on at the byte in Upload-Offset, of a file as long as Upload-Length says; or begin anew at byte 0.",
		Headers: map[string]string{
			"Upload-Offset": strconv.FormatInt(err.Received, 10), "Upload-Length": strconv.FormatInt(err.Size, 10), "Upload-Complete": "?0",
		},
	}
	if err.Size == 0 {
		delete(refusal.Headers, "Upload-Length")
		refusal.Detail, refusal.Remedy = "No upload of this file is under way.", "Begin at byte 0."
	}
	return refusal
}
