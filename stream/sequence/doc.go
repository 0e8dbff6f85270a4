// Package sequence is one viewer's line: which packet stands under which sequence
// number, with what header, and what of it goes out again when the viewer asks.
//
// A number, extended to 48 bits, tells its packet and every field of its header by a
// short list of breakpoints alone, so that a retransmission repeats the bytes that
// were sent first. Under the viewer's key that is a matter of safety: it stands
// apart so that nothing else can change what a number means. It sends nothing.
package sequence
