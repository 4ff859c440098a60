package main

// rooms holds every exhibit.
var rooms = []Room{lost, twice, stuck, database, data, stopping}

// inFile and onPostgres name a check of storetest in one of the stores.
func inFile(check string) Test     { return Test{"sqlite", "TestStoreInFile/" + check} }
func onPostgres(check string) Test { return Test{"postgres", "TestStore/" + check} }

// A WaitingRoom is for bugs that need a feature which later does not have yet.
type WaitingRoom struct {
	Feature string
	Bugs    []string // what will be rebuilt, and where it was reported
}

var waitingRooms = []WaitingRoom{
	{"Unique jobs", []string{
		"A lock and a look answer “duplicate” against a transaction that is then rolled back: oban-bg/oban#1087, oban-bg/oban#1093",
		"A job that is retried is in conflict with itself: riverqueue/river#619",
		"The lock of a key outlives its job, or ends before it: hibiken/asynq#275, hibiken/asynq#629, hibiken/asynq#1055",
	}},
	{"Recurring schedules", []string{
		"The schedule moves on although its job could not be stored: riverqueue/river: the periodic enqueuer",
		"A stale leader says so itself, and every entry is stored twice: oban-bg/oban#1488, oban-bg/oban-py#32",
		"The clock is read again between the tick and its job: rails/solid_queue: commit e43f204",
	}},
	{"Concurrency limits", []string{
		"The one looks and is blocked, the other signals before that is stored: rails/solid_queue#456",
	}},
	{"Batches and workflows", []string{
		"The callback of a batch is counted down twice, or never to zero: bensheldon/good_job#832, sidekiq/sidekiq#4607, sidekiq/sidekiq#6260",
	}},
	{"The dashboard", []string{
		"Arguments, errors and names run as script on the page: sidekiq/sidekiq#1297, Parallels/rq-dashboard#526, statianzo/que-web#9",
		"Buttons that other sites can press, pages without a login: sidekiq/sidekiq#2422, hibiken/asynqmon#78",
	}},
}
