//go:build e2e

// Package netns_test runs the built binary on a host of its own: network
// namespaces with documentation addresses (RFC 5737, RFC 3849) and nothing else.
// It needs Linux, root, ip and tc of iproute2, nft and ethtool.
package netns_test
