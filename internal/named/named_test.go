package named

import (
	"maps"
	"testing"
)

func TestStatements(t *testing.T) {
	got := Statements("-- About the file.\n\n-- name: one\n-- Why.\nSELECT 1;\n\n-- name: two \nSELECT 2;\n", "-- name: three\nSELECT 3")
	want := map[string]string{"one": "-- Why.\nSELECT 1;", "two": "SELECT 2;", "three": "SELECT 3"}
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
