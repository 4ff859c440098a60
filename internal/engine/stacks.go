package engine

import (
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// maxDump bounds a dump of all goroutines.
const maxDump = 8 << 20

// allStacks dumps the stacks of all goroutines, one after the other with an empty line
// between. The program stands still meanwhile: for milliseconds, with ten thousand.
func allStacks() string {
	dump := make([]byte, 64<<10)
	for {
		n := runtime.Stack(dump, true)
		if n < len(dump) || len(dump) >= maxDump {
			return string(dump[:n])
		}
		dump = make([]byte, 4*len(dump))
	}
}

var (
	stackHeader = regexp.MustCompile(`^goroutine (\d+) \[`)
	// createdBy is the end of a stack: who started the goroutine, and where.
	createdBy = regexp.MustCompile(`\ncreated by (.+) in goroutine (\d+)\n[^\n]*$`)
)

// successor starts the goroutine that takes the place of one that a handler has ended.
const successor = "internal/engine.(*Engine).execute"

// family finds the stack of a goroutine in a dump, and those of the goroutines that it
// has started, and those that these have started: the goroutine comes first. One whose
// starter has ended is not found. None: the goroutine has ended.
func family(dump string, id int64) []string {
	type one struct {
		id, by int64
		text   string
	}
	var all []one
	for text := range strings.SplitSeq(strings.TrimSpace(dump), "\n\n") {
		header := stackHeader.FindStringSubmatch(text)
		if header == nil {
			continue
		}
		g := one{text: text}
		g.id, _ = strconv.ParseInt(header[1], 10, 64)
		if by := createdBy.FindStringSubmatch(text); by != nil && !strings.HasSuffix(by[1], successor) {
			g.by, _ = strconv.ParseInt(by[2], 10, 64)
		}
		all = append(all, g)
	}
	i := slices.IndexFunc(all, func(g one) bool { return g.id == id })
	if i < 0 {
		return nil
	}
	stacks, members := []string{all[i].text}, []int64{id}
	for n := 0; n < len(members); n++ { // grows meanwhile
		for _, g := range all {
			if g.by == members[n] && !slices.Contains(members, g.id) {
				members, stacks = append(members, g.id), append(stacks, g.text)
			}
		}
	}
	return stacks
}
