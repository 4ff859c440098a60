package storetest

import (
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var reportChecks = []check{
	{"progress is stored", reportProgress},
	{"the last progress counts", reportLastProgress},
	{"progress survives the end of the job", reportProgressSurvives},
	{"lines are stored oldest first", reportLines},
	{"lines belong to the reported job", reportLinesOfReportedJob},
	{"a report without progress leaves it unchanged", reportWithoutProgress},
	{"a report under a stale token is dropped", reportStale},
	{"a report of an ended claim is dropped", reportAfterTheEnd},
	{"one stale report does not stop the others", reportMixedBatch},
	{"a log is cut from its beginning", reportCutLog},
	{"a cut leaves a log that fits, and those of others", reportCutFits},
	{"a cut under a stale token is dropped", reportCutStale},
	{"metadata and tags are replaced, and stay", reportDetails},
	{"the last metadata and the last tags of a batch count", reportLastDetails},
	{"metadata and tags under a stale token are dropped", reportDetailsStale},
	{"an empty batch does nothing", reportNothing},
}

func (t *trial) report(reports ...store.Report) {
	t.Helper()
	t.must("Report", t.store.Report(t.Context(), reports, at(90*time.Second)))
}

func progress(done int64) *store.Progress {
	return &store.Progress{Done: done, Total: 100, Message: "half of it", At: at(80 * time.Second)}
}

func line(message string) store.LogLine {
	return store.LogLine{Attempt: 1, At: at(70 * time.Second), Level: "INFO", Message: message, Attrs: []byte(`{"step":1}`)}
}

func reportProgress(t *trial) {
	job := t.running(plain())
	t.report(store.Report{JobID: job.ID, Token: job.Token, Progress: progress(50)})
	t.equal("progress", t.get(job.ID).Progress, *progress(50))
	t.status(job.ID, store.Running)
}

func reportLastProgress(t *trial) {
	job := t.running(plain())
	report := func(done int64) store.Report {
		return store.Report{JobID: job.ID, Token: job.Token, Progress: progress(done)}
	}
	t.report(report(50))
	t.report(report(60), report(70))
	t.equal("progress", t.get(job.ID).Progress, *progress(70))
}

func reportProgressSurvives(t *trial) {
	job := t.running(plain())
	t.report(store.Report{JobID: job.ID, Token: job.Token, Progress: progress(100), Lines: []store.LogLine{line("done")}})
	t.accept(outcome(job, store.Complete))
	t.equal("progress", t.get(job.ID).Progress, *progress(100))
	t.equal("lines", len(t.log(job.ID)), 1)
}

func reportLines(t *trial) {
	job := t.running(plain())
	first, second, third := line("first"), line("second"), line("third")
	second.Level, second.Attrs, third.Attempt = "ERROR", nil, 2
	t.report(store.Report{JobID: job.ID, Token: job.Token, Lines: []store.LogLine{first, second}})
	t.report(store.Report{JobID: job.ID, Token: job.Token, Lines: []store.LogLine{third}})
	want := []store.LogLine{first, second, third}
	for i := range want {
		want[i].JobID = job.ID
	}
	t.equal("log", t.log(job.ID), want)
}

func reportLinesOfReportedJob(t *trial) {
	other := t.enqueue(inQueue("other"))[0]
	job := t.running(plain())
	strayed := line("mine")
	strayed.JobID = other
	t.report(store.Report{JobID: job.ID, Token: job.Token, Lines: []store.LogLine{strayed}})
	t.equal("lines of the reported job", len(t.log(job.ID)), 1)
	t.equal("lines of the other job", len(t.log(other)), 0)
}

func reportWithoutProgress(t *trial) {
	job := t.running(plain())
	t.report(store.Report{JobID: job.ID, Token: job.Token, Progress: progress(50)})
	t.report(store.Report{JobID: job.ID, Token: job.Token, Lines: []store.LogLine{line("on it")}})
	t.equal("progress", t.get(job.ID).Progress, *progress(50))
}

func reportStale(t *trial) {
	job := t.running(plain())
	before := t.whole(job.ID)
	for _, token := range []int64{0, -1, job.Token + 1} {
		t.report(store.Report{JobID: job.ID, Token: token, Progress: progress(50), Lines: []store.LogLine{line("ghost")}})
	}
	t.report(store.Report{JobID: 404, Token: job.Token, Progress: progress(50), Lines: []store.LogLine{line("ghost")}})
	t.equal("job after stale reports", t.whole(job.ID), before)
	t.equal("lines of a job that does not exist", len(t.linesOfNobody(404)), 0)
}

// linesOfNobody reads the log of a job that is not there: empty or an error,
// as the store likes.
func (t *trial) linesOfNobody(id int64) []store.LogLine {
	t.Helper()
	lines, err := t.store.Log(t.Context(), id)
	if err != nil {
		t.notFound("Log", err)
	}
	return lines
}

func reportAfterTheEnd(t *trial) {
	for _, each := range kinds {
		job := t.running(inQueue(each.name))
		t.accept(outcome(job, each.kind))
		before := t.whole(job.ID)
		t.report(store.Report{JobID: job.ID, Token: job.Token, Progress: progress(50), Lines: []store.LogLine{line("ghost")}})
		t.equal("job after a late report", t.whole(job.ID), before)
	}
}

func reportMixedBatch(t *trial) {
	first, second := t.running(inQueue("a")), t.running(inQueue("b"))
	t.report(
		store.Report{JobID: first.ID, Token: first.Token + 1, Progress: progress(10)},
		store.Report{JobID: second.ID, Token: second.Token, Progress: progress(20), Lines: []store.LogLine{line("on it")}},
		store.Report{JobID: first.ID, Token: first.Token, Progress: progress(30)},
	)
	t.equal("progress", t.get(first.ID).Progress, *progress(30))
	t.equal("progress", t.get(second.ID).Progress, *progress(20))
	t.equal("lines", len(t.log(second.ID)), 1)
}

func reportNothing(t *trial) {
	t.report()
	job := t.running(plain())
	before := t.whole(job.ID)
	t.report(store.Report{JobID: job.ID, Token: job.Token})
	t.equal("job", t.whole(job.ID), before)
}

// longLine is a line of so many bytes.
func longLine(first byte, size int) store.LogLine {
	long := line(string(first) + strings.Repeat("x", size-1))
	long.Attrs = nil
	return long
}

func reportCutLog(t *trial) {
	job := t.running(plain())
	half := store.LogKept / 2
	t.report(store.Report{JobID: job.ID, Token: job.Token, Lines: []store.LogLine{longLine('a', half), longLine('b', half)}})
	t.equal("lines before the cut", len(t.log(job.ID)), 2)
	last := line("é")
	t.report(store.Report{JobID: job.ID, Token: job.Token, CutLog: true, Lines: []store.LogLine{longLine('c', half-2-len(last.Attrs)), last}})
	var first []string
	for _, kept := range t.log(job.ID) {
		first = append(first, kept.Message[:1])
	}
	t.equal("first letters of the lines", first, []string{"b", "c", "é"[:1]})
	t.report(store.Report{JobID: job.ID, Token: job.Token, CutLog: true, Lines: []store.LogLine{longLine('d', 1)}})
	t.equal("lines after one byte more", len(t.log(job.ID)), 3)
	t.equal("the last line", t.log(job.ID)[2].Message, "d")
}

func reportCutFits(t *trial) {
	job, other := t.running(inQueue("a")), t.running(inQueue("b"))
	big := longLine('o', store.LogKept+1)
	t.report(
		store.Report{JobID: other.ID, Token: other.Token, Lines: []store.LogLine{big}},
		store.Report{JobID: job.ID, Token: job.Token, CutLog: true, Lines: []store.LogLine{line("one")}},
		store.Report{JobID: job.ID, Token: job.Token, CutLog: true, Lines: []store.LogLine{line("two")}})
	t.equal("lines", len(t.log(job.ID)), 2)
	t.equal("lines of the other job", len(t.log(other.ID)), 1)
	t.report(store.Report{JobID: other.ID, Token: other.Token, CutLog: true})
	t.equal("lines of the other job, cut", len(t.log(other.ID)), 0)
}

func reportCutStale(t *trial) {
	job := t.running(plain())
	t.report(store.Report{JobID: job.ID, Token: job.Token, Lines: []store.LogLine{longLine('a', store.LogKept), line("b")}})
	t.report(store.Report{JobID: job.ID, Token: job.Token + 1, CutLog: true})
	t.equal("lines", len(t.log(job.ID)), 2)
}
