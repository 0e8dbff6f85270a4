package exec

import "testing"

// Where FFmpeg cannot begin to write, the sound is transcoded first, then the picture in its place, then both, and it ends.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	both := Params{Video: true, Audio: true}
	for _, test := range []struct {
		params Params
		plans  []plan
	}{
		{both, []plan{{true, true}, {true, false}, {false, true}, {false, false}}},
		{Params{Video: true}, []plan{{true, true}, {false, true}}}, // what is known of the sound stays
		{Params{Audio: true}, []plan{{true, true}, {true, false}}},
		{Params{Video: true}, []plan{{true, false}, {false, false}}},
		{Params{Audio: true}, []plan{{false, true}, {false, false}}},
	} {
		for i, p := range test.plans {
			m := p.unwritten(test.params)
			switch last := i == len(test.plans)-1; {
			case last && m != nil:
				t.Errorf("%+v goes on after %+v: %v", test.plans, p, m)
			case !last && (m == nil || m.next != test.plans[i+1]):
				t.Errorf("after %+v comes %+v, want %+v", p, m, test.plans[i+1])
			}
		}
	}
}
