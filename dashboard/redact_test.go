package dashboard_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/latertest"
)

// TestRedactedFieldsAreOnNoPage: arguments and results, in lists and on the page of a job.
func TestRedactedFieldsAreOnNoPage(t *testing.T) {
	type card struct {
		Number string `json:"number" later:"redact"`
	}
	pay := later.DefineResult[card, card]("PayJob")
	s := &stage{queue: latertest.New(t, later.Config{}, pay.Do(func(_ context.Context, args card) (card, error) { return args, nil }))}
	if _, err := pay.PerformLater(t.Context(), s.queue, card{"hunter2"}); err != nil {
		t.Fatal(err)
	}
	latertest.Drain(t, s.queue)
	site := s.serve(t, guarded(dashboard.ReadOnly))
	shown := false
	for address, page := range crawl(t, site) {
		if strings.Contains(page.body, "hunter2") {
			t.Errorf("%s shows the value", address)
		}
		shown = shown || strings.Contains(page.body, "[redacted]")
	}
	for query, refused := range map[string]bool{"args.number:h*": true, "-args.number:x": true, "type:Other args.number:h*": false} {
		page := get(t, site+"jobs/?q="+url.QueryEscape(query))
		if strings.Contains(page.body, "may not be searched for") != refused {
			t.Errorf("%s: %d %s", query, page.status, page.body)
		}
	}
	for query, found := range map[string]bool{"hunter2": false, "text:HUNTER": false, "-hunter2": true, "payjob": true} {
		page := get(t, site+"jobs/?q="+url.QueryEscape(query))
		if strings.Contains(page.body, ">PayJob ") != found {
			t.Errorf("%s: %s", query, page.body)
		}
	}
	if !shown {
		t.Error("no page says that something is redacted")
	}
}
