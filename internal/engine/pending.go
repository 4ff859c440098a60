package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// pendingReport is what a job has reported and the store does not know yet.
type pendingReport struct {
	store.Report
	size    int  // of Lines
	dropped int  // lines that had to make room
	held    bool // until the attempt has ended: its own transaction may store the same
}

// add takes a line in, if there is room for any.
func (p *pendingReport) add(line store.LogLine, room bool) {
	size := sizeOf(line)
	for len(p.Lines) > 0 && (!room || p.size+size > maxWaiting) {
		p.size -= sizeOf(p.Lines[0])
		p.Lines[0] = store.LogLine{} // its texts are free to go
		p.Lines, room = p.Lines[1:], true
		p.dropped++
	}
	if !room {
		p.dropped++
		return
	}
	p.size += size
	p.Lines = append(p.Lines, line)
}

func sizeOf(line store.LogLine) int { return lineSize + len(line.Message) + len(line.Attrs) }

// complete is the report with a note of what is missing.
func (p *pendingReport) complete(at time.Time) store.Report {
	if p.dropped == 0 {
		return p.Report
	}
	note := store.LogLine{
		At: at, Level: "WARN", JobID: p.JobID,
		Message: fmt.Sprintf("%d older lines were dropped: the job logs faster than its log is stored", p.dropped),
	}
	if len(p.Lines) > 0 {
		note.At, note.Attempt = p.Lines[0].At, p.Lines[0].Attempt
	}
	report := p.Report
	report.Lines = append([]store.LogLine{note}, p.Lines...)
	return report
}

func (p *pendingReport) describe(metadata json.RawMessage, tags []string) {
	if metadata != nil {
		p.Metadata = metadata
	}
	if tags != nil {
		p.Tags = tags
	}
}
