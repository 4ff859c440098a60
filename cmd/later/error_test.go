package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

func TestErrors(t *testing.T) {
	onEach(t, testErrors)
}

// testErrors: jobs are listed, retried and muted by what they failed of.
func testErrors(t *testing.T, fresh func(testing.TB) string) {
	t.Setenv("LATER_DB", stocked(t, fresh(t)))
	code, out, problems := laterCmd(t, "error", "list", "-q")
	id := strings.TrimSpace(out)
	if code != 0 || len(id) != 16 {
		t.Fatalf("exit %d, %q, %s", code, out, problems)
	}
	var shown struct {
		later.Cause
		Jobs []later.Job `json:"jobs"`
	}
	code, out, problems = laterCmd(t, "error", "show", id, "-o", "json")
	if err := json.Unmarshal([]byte(out), &shown); code != 0 || err != nil || len(shown.Jobs) != 1 || shown.Jobs[0].ID != 2 || shown.Failed != 1 || shown.Type != "BrokenJob" {
		t.Errorf("show: exit %d, %v, %+v, %s", code, err, shown, problems)
	}
	follow(t, []step{
		{words("error list"), 0, id + "  BrokenJob  1       0         1"},
		{words("error list --failed --unmuted --type BrokenJob -q"), 0, id},
		{words("error list --limit 0"), 2, "choose 1 to 1000"},
		{words("error show " + id), 0, `broken \u001b[2J`},
		{words("error show nonsense"), 2, `"nonsense" is no id of a cause`},
		{words("error show 0000000000000001"), 3, "cause 0000000000000001: not found"},
		{words("error mute " + id + " --until yesterday"), 2, "is no time"},
		{words("error mute " + id + " --until 2020-01-01"), 2, "that is over"},
		{words("error mute " + id + " --until 3d"), 0, "cause " + id + " is muted until 20"},
		{words("error show " + id), 0, "until 20"},
		{words("audit --action mute"), 0, id},
		{words("error mute " + id + " --off"), 0, "cause " + id + " is no longer muted"},
		{words("error retry " + id + " -n"), 0, "would retry 1 job: 1 failed"},
		{words("error retry " + id), 0, "1 job pending"},
		{words("error retry " + id), 0, "0 jobs pending"},
		{words("show 2"), 0, "pending"},
	})
	for line, want := range map[string]string{"error list --failed -q": "", "error list -o json --failed": "[]\n"} {
		if code, out, problems := laterCmd(t, words(line)...); code != 0 || out != want {
			t.Errorf("%s: exit %d, %q, %s", line, code, out, problems)
		}
	}
}
