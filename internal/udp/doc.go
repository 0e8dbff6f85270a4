// Package udp is the media port: one UDP socket on each address of this machine,
// all with one port number, which come and go with the addresses.
//
// A datagram is handed to the kernel or fails at once: on Unix no write waits, so
// that no viewer is waited for. What comes is told apart by a [Mux] on each socket:
// STUN by the ufrag and the transaction that it names, the rest by the address that
// it comes from. An ICE agent reads its [Share] of it. Who makes an offer has sockets
// of its own, see [Own].
//
// Each Mux has a goroutine that reads, from the time that its socket is bound until
// its address goes or [Ports.Close], which waits for it. It waits for no Share.
//
// Ports.mu is held while sockets are opened and closed. Mux.mu guards whose is what;
// who sends takes it for STUN alone. Share.mu guards what waits to be read, and is
// taken alone. [Ports.List] is a slice that is not changed.
package udp
