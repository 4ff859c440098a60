package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func keyOf(b byte) []byte { return append(bytes.Repeat([]byte{b}, KeySize-1), b+1) }

func keys(t testing.TB, bytes ...byte) *Keys {
	t.Helper()
	var secrets [][]byte
	for _, b := range bytes {
		secrets = append(secrets, keyOf(b))
	}
	k, err := NewKeys(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	k := keys(t, 1)
	for _, plain := range []string{`{"card":"4242"}`, `""`, ``, strings.Repeat("x", 1<<20)} {
		raw := k.Seal([]byte(plain), "args\x00PayJob")
		if !json.Valid(raw) || !Is(raw) || len(plain) > 2 && bytes.Contains(raw, []byte(plain)) {
			t.Errorf("stored form of %.20q: %.200s", plain, raw)
		}
		if again := k.Seal([]byte(plain), "args\x00PayJob"); bytes.Equal(again, raw) {
			t.Errorf("two values with one nonce: %.200s", raw)
		}
		opened, err := k.Open(raw, "args\x00OldJob", "args\x00PayJob")
		if err != nil || string(opened) != plain {
			t.Errorf("opened %.20q, %v", opened, err)
		}
		if _, err := k.Open(raw, "result\x00PayJob"); !errors.Is(err, ErrBroken) {
			t.Errorf("opened as something else: %v", err)
		}
	}
}

func TestKeysAreRotated(t *testing.T) {
	before, during, after := keys(t, 1), keys(t, 2, 1), keys(t, 2)
	old := before.Seal([]byte("1"), "p")
	if opened, err := during.Open(old, "p"); err != nil || string(opened) != "1" {
		t.Errorf("with the second key: %q, %v", opened, err)
	}
	if opened, err := after.Open(during.Seal([]byte("2"), "p"), "p"); err != nil || string(opened) != "2" {
		t.Errorf("the first key did not encrypt: %q, %v", opened, err)
	}
	_, err := after.Open(old, "p")
	if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), before.String()) || !strings.Contains(err.Error(), after.String()) {
		t.Errorf("without the key: %v", err)
	}
	if _, err := (*Keys)(nil).Open(old, "p"); !errors.Is(err, ErrNoKey) {
		t.Errorf("without any key: %v", err)
	}
}

func TestOpenRefusesWhatWasChanged(t *testing.T) {
	k := keys(t, 1)
	raw := k.Seal([]byte(`{"card":"4242"}`), "p")
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if opened, err := k.Open(changed, "p"); err == nil {
			t.Errorf("byte %d changed (%s): opened %q", i, changed, opened)
		}
	}
	newer := bytes.Replace(raw, []byte(`"v":1`), []byte(`"v":2`), 1)
	if _, err := k.Open(newer, "p"); !errors.Is(err, ErrNoKey) {
		t.Errorf("of a newer program: %v", err)
	}
}

func TestNewKeysRefuses(t *testing.T) {
	for name, secrets := range map[string][][]byte{
		"none": {}, "nil": {nil}, "short": {make([]byte, 16)}, "zero": {make([]byte, 32)}, "second too long": {keyOf(1), make([]byte, 33)},
	} {
		if _, err := NewKeys(secrets...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzOpen: whatever a row holds, Open neither panics nor takes it for something that
// was sealed here.
func FuzzOpen(f *testing.F) {
	k := keys(f, 1, 2)
	good := k.Seal([]byte(`{"a":1}`), "p")
	for _, raw := range [][]byte{
		good, nil, []byte("{}"), []byte("null"), []byte(prefix), []byte(prefix + "null}"), []byte(prefix + `{"v":1}}`), good[:len(good)-3],
		[]byte(strings.Replace(string(good), `"data":"`, `"data":"A`, 1)), []byte(strings.Replace(string(good), `"data"`, `"DATA"`, 1)),
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		opened, err := k.Open(raw, "p")
		if err == nil && string(opened) != `{"a":1}` {
			t.Errorf("%q opened as %q", raw, opened)
		}
		if err != nil && !errors.Is(err, ErrNoKey) && !errors.Is(err, ErrBroken) {
			t.Errorf("%q: %v", raw, err)
		}
	})
}
