package engine

// A search asks the store for claims of this process that the process does not know. It
// reads all claims, which may be dear, so it goes with a heartbeat only where there is
// reason to, and now and then. The heart is its only user.
type search struct {
	losses uint64 // the reasons that it knows of
	clean  int    // searches in a row that have found nothing
	beats  int    // since the last one
}

const (
	// cleanSearches in a row end the searching for a reason. One is not enough: what was
	// on its way may reach the store after it.
	cleanSearches = 2
	// searchEvery is how many beats there are for one search without a reason: for claims
	// that have come about in a way that nobody has thought of.
	searchEvery = 20
)

func newSearch() search { return search{clean: cleanSearches} }

// due reports whether the next beat is to search. losses are the reasons so far.
func (s *search) due(losses uint64) bool {
	if losses != s.losses {
		s.losses, s.clean = losses, 0
	}
	return s.clean < cleanSearches || s.beats >= searchEvery-1
}

// beaten counts a beat. A search that the store has given up is not tried again before
// the next one without a reason: all beats would be slow.
func (s *search) beaten(givenUp bool) {
	s.beats++
	if givenUp {
		s.clean, s.beats = cleanSearches, 0
	}
}

// made notes a search, and whether it has found claims that the process does not know.
func (s *search) made(found bool) {
	s.clean++
	if found {
		s.clean = 0
	}
	s.beats = 0
}

// mayHoldMore: the store may say of claims that they are this process's, and the process
// does not know them.
func (e *Engine) mayHoldMore() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.losses++
}
