// Package e2e tests the built program from outside, with real browsers and tools; its tests have the build tag e2e.
//
//	browser_*_test.go  Chromium, Firefox and libwebrtc in Node play and use the player page
//	                   and publish; so do FFmpeg and libdatachannel in Node
//	camera*_test.go    the program in a machine of its own, which has a camera, seen by both browsers
//	netns/             GStreamer, in network namespaces; gstreamer/ is the program that runs its elements
//	page/              the Node scripts that drive them, one for each subject: each prints lines of JSON, Go judges
//	out/               what the tests leave to be looked at
//
// What a machine lacks is skipped with the reason; where the variable CI is "true" that is a failure.
package e2e
