// Package storetest is the specification of store.Store in runnable form: Run
// puts a store through one named check for each sentence of the contract, and
// through random operations that are compared with NewReference, a store in
// plain Go maps.
package storetest

import (
	"testing"

	"github.com/laterjobs/later/store"
)

// Run checks a store. Open is called once for each check and returns a fresh,
// migrated, empty store, which it closes in a Cleanup; checks may have closed
// it by then. Checks run in parallel.
func Run(t *testing.T, open func(t testing.TB) store.Store) {
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, check := range group.checks {
				t.Run(check.name, func(t *testing.T) {
					t.Parallel()
					check.run(newTrial(t, open(t)))
				})
			}
		})
	}
	t.Run("model", func(t *testing.T) {
		t.Parallel()
		checkModel(t, open)
	})
}

// A group is the checks of one verb or one concern.
type group struct {
	name   string
	checks []check
}

// A check is one sentence of the contract. It sees nothing but the store, so
// that it can also be run against a store that is broken on purpose.
type check struct {
	name string
	run  func(*trial)
}

// groups holds every check in the order of a job's life.
var groups = []group{
	{"enqueue", enqueueChecks},
	{"claim", claimChecks},
	{"finish", finishChecks},
	{"repeat", repeatChecks},
	{"report", reportChecks},
	{"steps", stepChecks},
	{"liveness", livenessChecks},
	{"request", requestChecks},
	{"recover", recoverChecks},
	{"suspect", suspectChecks},
	{"promote", promoteChecks},
	{"prune", pruneChecks},
	{"schedule", scheduleChecks},
	{"tick", tickChecks},
	{"cancel", cancelChecks},
	{"retry", retryChecks},
	{"reschedule", rescheduleChecks},
	{"delete", deleteChecks},
	{"pause", pauseChecks},
	{"audit", auditChecks},
	{"operation", operationChecks},
	{"get", getChecks},
	{"list", listChecks},
	{"search", searchChecks},
	{"count", countChecks},
	{"stats", statsChecks},
	{"revision", revisionChecks},
	{"rollups", rollupChecks},
	{"arrivals", arrivalChecks},
	{"causes", causeChecks},
	{"types", typesChecks},
	{"unique", uniqueChecks()},
	{"export", exportChecks},
	{"import", importChecks},
	{"listen", listenChecks},
	{"close", closeChecks},
	{"fidelity", fidelityChecks},
	{"limits", limitChecks},
	{"hostile", hostileChecks},
	{"transitions", transitionChecks()},
	{"race", raceChecks},
}
