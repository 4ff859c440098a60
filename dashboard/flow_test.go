package dashboard

import "testing"

func TestRate(t *testing.T) {
	for want, perMinute := range map[string]float64{"0": 0, "0.2": 0.2, "9.9": 9.9, "10": 10.2, "12,346": 12345.6} {
		if got := rate(perMinute); got != want {
			t.Errorf("%v is %q, want %q", perMinute, got, want)
		}
	}
}
