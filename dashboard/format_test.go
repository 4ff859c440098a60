package dashboard

import "testing"

func TestAtLeast(t *testing.T) {
	for _, test := range []struct {
		n    int64
		more bool
		want string
	}{{0, true, "0"}, {7, false, "7"}, {100, true, "100+"}, {10_000, true, "10k+"}, {1_234_567, false, "1,234,567"}, {12_345, true, "12k+"}} {
		if got := atLeast(test.n, test.more); got != test.want {
			t.Errorf("%d, %v: %s, want %s", test.n, test.more, got, test.want)
		}
	}
}
