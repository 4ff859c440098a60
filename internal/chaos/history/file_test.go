package history_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/laterjobs/later/internal/chaos/history"
)

func TestTornLastLineIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "worker-1.1")
	w, err := history.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []history.Event{
		{At: 1, Kind: history.Start, Job: 7, Token: 1 << 62, Verb: "quick"},
		{At: 2, Kind: history.Finish, Jobs: []int64{7}, Tokens: []int64{1 << 62}, Codes: []int64{1}},
	}
	for _, e := range append(want, history.Event{At: 3, Kind: history.Beat}) {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	var got []history.Event
	if err := history.Read(path, func(e history.Event) { got = append(got, e) }); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := history.Create(path); err == nil {
		t.Error("a second incarnation writes to the file of the first")
	}
}
