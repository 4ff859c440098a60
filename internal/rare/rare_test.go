package rare

import (
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// TestAdd: what is there is added; what a person has spoiled is left out, and stops
// nothing.
func TestAdd(t *testing.T) {
	job := store.Job{UserID: "ada"}
	text := `{"metadata":"{ \"a\" : 1 }","taglist":"[\"x\",\"y\"]","scheduled":1000001,"error":"no","retries":"{\"busy\":2}","done":1,"total":3,"message":"m","at":2000000}`
	if err := Add(&job, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if string(job.Metadata) != `{ "a" : 1 }` || len(job.Tags) != 2 || job.Error != "no" || job.RuleRetries["busy"] != 2 || job.UserID != "ada" ||
		!job.ScheduledAt.Equal(time.UnixMicro(1_000_001)) || job.Progress != (store.Progress{Done: 1, Total: 3, Message: "m", At: time.UnixMicro(2_000_000).UTC()}) {
		t.Errorf("%+v", job)
	}
	for _, spoiled := range []string{
		`{"taglist":"{"}`, `{"taglist":"[1]"}`, `{"options":"{"}`, `{"retries":"[]"}`, `{"metadata":"{"}`, `{"scheduled":9223372036854775807}`, `{}`,
	} {
		if err := Add(&store.Job{}, []byte(spoiled)); err != nil {
			t.Errorf("%s: %v", spoiled, err)
		}
	}
	if err := Add(&store.Job{}, []byte("{")); err == nil {
		t.Error("half an object was taken")
	}
}
