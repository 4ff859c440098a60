package dashboard

import (
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
)

func TestChips(t *testing.T) {
	if got := chips("status:failed"); got != nil {
		t.Errorf("one term has chips: %v", got)
	}
	got := chips(`-type:"My Job",B x`)
	if len(got) != 2 || got[0] != (chip{`-type:"My Job",B`, "?q=x"}) || got[1] != (chip{"x", "?q=-type%3A%22My+Job%22%2CB"}) {
		t.Errorf("got %v", got)
	}
}

// TestMayAsk: whoever may not see arguments learns nothing of them by asking.
func TestMayAsk(t *testing.T) {
	blind := User{May: View}
	for text, allowed := range map[string]bool{
		"": true, "type:A error:x user:7": true, "args.card:4*": false, "-args.card:4*": false, "metadata.a:b": false, "word": false, "text:x": false, "id:7": true,
	} {
		f, err := query.Parse(text, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := mayAsk(blind, f); (err == nil) != allowed {
			t.Errorf("%q: %v", text, err)
		}
		if err := mayAsk(User{May: ReadOnly}, f); err != nil {
			t.Errorf("%q by somebody who may see arguments: %v", text, err)
		}
	}
	if mayAsk(blind, later.Filter{Text: "4111"}) == nil {
		t.Error("a filter of a program may look through arguments")
	}
}
