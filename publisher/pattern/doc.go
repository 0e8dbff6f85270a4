// Package pattern draws a test card worth watching and computes its sound. It knows no codec, needs no cgo, and what it
// shows is a pure function of the picture's number and due time.
//
// The card has colour bars, a grey staircase and a ramp, gratings and two stars for the resolution, a ring on which a ball
// goes round once in four seconds, the stream's name, the wall clock with milliseconds and the frame number. On each second
// (frame n with n % rate == 0) the ball stands at a quarter of the ring, two panels flash white for a tenth of a second and
// the sound beeps for as long. Colours are BT.601 in video range (black 16, white 235), 4:2:0.
//
// # Blocks
//
// The lowest twelfth of the picture is a strip of black and white blocks from which a program reads, in any decoded copy of
// whatever size, which picture it has before it and from when:
//
//	row 0 (upper): the frame number n, modulo 2^32
//	row 1 (lower): the time at which the picture was due, Unix milliseconds modulo 2^32
//	               (of a recorded clip: milliseconds since the clip's first picture)
//
// Where a block lies. In a picture of W x H pixels, with c the column 0 … 39 and r the row 0 … 1, divisions rounding down:
//
//	left = c*W/40        right  = (c+1)*W/40        (right and bottom are the first pixels that are outside)
//	top  = H - (2-r)*H/24   bottom = H - (1-r)*H/24
//
// What a block says. White is 1 and black is 0; the same in both rows:
//
//	column 0        white  \ sync: what lies above the middle between the two is white;
//	column 1        black  / they must be at least 40 of 255 steps apart
//	columns 2 … 33  the value, most significant bit first
//	column 34       live: white, the clock is live; black, this is a recorded clip
//	columns 35 … 38 the check, most significant bit first:
//	                the exclusive or of the eight nibbles of the value, of 0x5 in row 0 and 0xA in row 1,
//	                and of 0xF where live is black
//	column 39       white
//
// A reader takes the mean brightness of the inner half of each block (from a quarter to three quarters of its width and
// height, at least one pixel). It refuses the picture when the sync blocks are too close, when column 39 of a row is black,
// when a check is wrong or when the two live blocks differ.
//
// In a browser: draw the video on a canvas, take getImageData of the strip (rows H - 2*(H/24 rounded up) to H are enough,
// the whole picture is simplest), use the green byte of a pixel as its brightness, and compute the exclusive or with >>> 0.
// With the frame number of two pictures one knows what is missing between them; with the clock and Date.now() % 2**32 on
// the same machine, the time from glass to glass. [Read] is the same in Go.
package pattern
