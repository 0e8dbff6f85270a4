// Package udp is the media port: one UDP socket on each address of this machine,
// all with one port number, which come and go with the addresses.
//
// A datagram is handed to the kernel or fails at once: on Unix no write waits, so
// that no viewer is waited for. What comes is told apart by pion's mux on each
// socket.
//
// Each mux has a goroutine of pion's that reads, from the time that its socket is
// bound until its address goes or [Ports.Close]. Ports.mu is held while sockets
// are opened and closed; who sends takes no lock: [Ports.List] is a slice that is
// not changed.
package udp
