package codec

import "time"

// timingH264 reads the part of an H.264 SPS behind the cropping as far as the time of a picture (E.1.1); 0 if it is not there.
func timingH264(r *bitReader) time.Duration {
	if !r.flag() { // vui_parameters_present_flag
		return 0
	}
	skipSignal(r)
	return timing(r, 2) // a tick is a field's
}

// skipSignal skips what H.264 and H.265 say of aspect ratio, overscan, colours and chroma (E.1.1 and E.2.1).
func skipSignal(r *bitReader) {
	skipShape(r)
	if r.flag() {
		r.skip(4)
		if r.flag() {
			r.skip(24)
		}
	}
	if r.flag() {
		r.ue()
		r.ue()
	}
}

// skipShape skips what they say of aspect ratio and overscan, which is what comes first.
func skipShape(r *bitReader) {
	if r.flag() && r.u(8) == 255 {
		r.skip(32)
	}
	if r.flag() {
		r.flag()
	}
}

// timing reads how long a picture lasts that takes so many ticks.
func timing(r *bitReader, ticks uint64) time.Duration {
	if !r.flag() {
		return 0
	}
	units, scale := uint64(r.u(32)), uint64(r.u(32))
	if r.bad || units == 0 || scale == 0 {
		return 0
	}
	d := time.Duration((units*ticks*uint64(time.Second) + scale/2) / scale) // below 2^63: 2^32·2·10^9
	if d < time.Millisecond || d > 10*time.Second {
		return 0
	}
	return d
}

// timingH265 reads the part of an H.265 SPS behind the ordering of pictures as far as the time of one (7.3.2.2.1, E.2.1); 0 if
// it is not there. lsbBits is how long the low part of a picture's order is.
func timingH265(r *bitReader, lsbBits int) time.Duration {
	for range 6 { // sizes of blocks, depths of trees
		r.ue()
	}
	if r.flag() { // scaling_list_enabled_flag
		if r.flag() { // sps_scaling_list_data_present_flag
			skipScalingH265(r)
		}
	}
	r.skip(2)
	if r.flag() { // pcm_enabled_flag
		r.skip(8)
		r.ue()
		r.ue()
		r.flag()
	}
	skipReferenceSets(r)
	if r.flag() { // long_term_ref_pics_present_flag
		for range r.most(32) {
			r.skip(lsbBits + 1)
		}
	}
	r.skip(2)
	if r.bad || !r.flag() { // vui_parameters_present_flag
		return 0
	}
	skipSignal(r)
	r.skip(3)
	if r.flag() { // default_display_window_flag
		for range 4 {
			r.ue()
		}
	}
	return timing(r, 1)
}

// skipScalingH265 skips scaling_list_data (7.3.4).
func skipScalingH265(r *bitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !r.flag() {
				r.ue()
				continue
			}
			if size > 1 {
				r.ue()
			}
			for range min(64, 1<<(4+2*size)) {
				r.ue()
			}
			if r.bad {
				return
			}
		}
	}
}

// skipReferenceSets skips the short-term reference picture sets (7.3.7).
func skipReferenceSets(r *bitReader) {
	before := uint32(0) // pictures of the set before
	for i := range r.most(64) {
		if r.bad {
			return
		}
		if i > 0 && r.flag() { // inter_ref_pic_set_prediction_flag
			r.flag()
			r.ue()
			count := uint32(0)
			for range before + 1 {
				kept := r.flag() // used_by_curr_pic_flag
				if !kept {
					kept = r.flag() // use_delta_flag
				}
				if kept {
					count++
				}
			}
			before = count
			continue
		}
		negative, positive := r.most(16), r.most(16)
		before = negative + positive
		for range before {
			r.ue()
			r.flag()
		}
	}
}
