package redact

import "testing"

func TestRestore(t *testing.T) {
	const stored = `{"card":"4711","note":"a","list":[{"pin":1,"n":1},{"pin":2,"n":2}],"big":9007199254740993}`
	const shown = `{"card":"[redacted]","note":"a","list":[{"pin":"[redacted]","n":1},{"pin":"[redacted]","n":2}],"big":9007199254740993}`
	for edited, want := range map[string]string{
		shown:                                   stored,
		`{"card":"[redacted]","note":"b"}`:      `{"card":"4711","note":"b"}`,
		`{"card":"0815","note":"[redacted]"}`:   `{"card":"0815","note":"[redacted]"}`,
		`{"note":"a"}`:                          `{"note":"a"}`,
		`[1]`:                                   `[1]`,
		`{"list":[{"pin":"[redacted]","n":9}]}`: `{"list":[{"n":9,"pin":1}]}`,
		`{"list":[{"pin":3,"n":1},{"pin":"[redacted]","n":2},{"pin":"[redacted]"}]}`: `{"list":[{"n":1,"pin":3},{"pin":2,"n":2},{"pin":"[redacted]"}]}`,
	} {
		got, err := Restore([]byte(stored), []byte(shown), []byte(edited))
		if err != nil || string(got) != want {
			t.Errorf("%s becomes %s, %v", edited, got, err)
		}
	}
	if _, err := Restore([]byte(stored), []byte(shown), []byte(`{"card":`)); err == nil {
		t.Error("half a document is restored")
	}
}
