// Package guest starts a machine of its own for tests, in qemu, and is what runs
// inside of it: Debian's kernel with its own V4L2 test device, a camera without a
// lens. The tests of publisher/device and those of the whole program both need
// it, and neither may import the other. `make soak` brings qemu and the kernel;
// nothing of this machine's kernel is used, and no rights are needed.
//
// A [Machine] is the host's side: [New] makes it of a program and its libraries,
// [Machine.Run] runs it to its end. That program is the first and only process; it
// calls [Mount], [PlugIn] and whatever else it needs, and [PowerOff].
package guest
