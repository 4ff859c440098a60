package nearest

import "testing"

func TestName(t *testing.T) {
	names := []string{"edit", "list", "mailers", "WelcomeEmailJob"}
	for name, want := range map[string]string{
		"lsit": "list", "List": "list", "mialers": "mailers", "mailer": "mailers", "welcomeemail": "WelcomeEmailJob", "purge": "", "": "", "edti": "edit", "itsl": "",
	} {
		if got := Name(name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
