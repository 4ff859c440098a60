# The words: test race lint bench demo pictures, and for long runs: bench-full chaos simulate museum crash fuzz reload soak.
.PHONY: test race lint bench bench-full demo pictures chaos simulate museum crash fuzz reload soak

# Everything that must hold before a change lands.
test: lint
	CGO_ENABLED=0 go build ./...
	@sh scripts/test-postgres >/dev/null
	@sh scripts/test-browser >/dev/null
	@command -v tmux >/dev/null || sh scripts/install-debian tmux
	LATER_TEST_REQUIRE_POSTGRES=1 LATER_TEST_REQUIRE_BROWSER=1 LATER_TEST_REQUIRE_TMUX=1 go test -p 3 -timeout 13m $(LONGEST) ./...
	cd examples/prometheus && go test ./...
	cd examples/graphql && go test ./...
	@sh scripts/each-postgres
	@if [ -n "$$CI" ]; then \
		$(MAKE) race RACE='./internal/engine ./internal/listeners ./internal/processlock . ./sqlite' \
			RACEONLY='TestFence|TestRecover|TestListen|TestLock|TestStop|TestEvents|TestConfigure|TestStoresClaimApart|TestClose|TestClaim|TestOneBadCall|TestHeartbeats|TestHandlersMay'; \
	fi

# They begin first: what takes longest must not be alone at the end. Three at a time, for many of them wait for
# servers and processes more than they work.
LONGEST = ./postgres ./internal/simulation ./internal/chaos

# The race detector needs cgo, and so a C compiler. In CI it watches what runs in
# several goroutines.
RACE ?= ./...
RACEONLY ?=
race:
	@command -v cc >/dev/null || sh scripts/install-debian gcc libc6-dev
	CGO_ENABLED=1 go test -race -short -timeout 10m $(if $(RACEONLY),-run '$(RACEONLY)') $(RACE)

lint:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	cd bench && CGO_ENABLED=0 go vet ./...
	cd examples/prometheus && go vet ./...
	cd examples/graphql && go vet ./...

# Beside other systems and the floor, on one machine in one run: five minutes, and the table in bench.md.
bench:
	@sh scripts/bench-peers
	cd bench && go run . -systems $(PEERS) -measure '$(BRIEF)' -rounds 1 -jobs 100000 -one-by-one 2s -latency 5s -markdown $(CURDIR)/bench.md

# All of it, with everything that takes long: hours.
bench-full:
	@sh scripts/bench-peers
	go test -run '^$$' -bench . ./...
	cd bench && go run . -systems $(PEERS),river-defaults -rounds 3 -pin-minutes 30 -scheduled 5000000 -markdown $(CURDIR)/bench-full.md
	cd bench && go run . -systems $(PEERS) -measure '^drain$$' -rounds 1 -jobs 1000000 -markdown $(CURDIR)/bench-million.md

PEERS = later,river,graphile-worker,pg-boss,asynq,bullmq,floor,later-sqlite,river-sqlite,goqite,backlite,floor-sqlite
BRIEF = ^(enqueue-1|enqueue-50|bulk|drain|latency)$$

demo:
	go run ./cmd/later demo

# The pictures of the dashboard in docs/images, by a Chromium. To look at every page in both themes, wide and on a
# phone: make pictures PICTURES='-all -into /tmp/pages'.
pictures:
	@sh scripts/test-browser >/dev/null
	go run ./internal/pictures $(PICTURES)

# Real processes under faults, a minute for each store; more with, for example,
# CHAOS='-store sqlite -for 60m -seed 7 -report chaos.md'.
chaos:
	@sh scripts/test-postgres >/dev/null
	go run ./internal/chaos/run $(CHAOS)

# Several processes and a store that fails in every way, in fake time: make simulate
# SEEDS=20000 FROM=1000. A failing seed is repeated by the command that it prints.
SEEDS ?= 5000
FROM ?= 1
simulate:
	cd internal/simulation && go test -run 'TestSeeds$$' -timeout 0 -seeds=$(SEEDS) -from=$(FROM)

# Bugs of other job systems in our code, and which test catches each: a table. Fails if one survives.
museum:
	@sh scripts/test-postgres >/dev/null
	@go run ./internal/museum

# Thousands of power cuts and failing requests under the SQLite store.
crash:
	LATER_CRASH_IMAGES=20000 LATER_CRASH_FAULTS=10000 go test -timeout 60m -v ./internal/crash

# Each fuzz target for FUZZTIME.
fuzz:
	@sh scripts/test-postgres >/dev/null
	sh scripts/fuzz

# A program replaced every two seconds, for RELOADTIME on each store, and under later dev, wgo
# and air. What it says is NOT PROVED could not be fetched.
reload:
	@sh scripts/test-postgres >/dev/null
	LATER_TEST_REQUIRE_POSTGRES=1 go test -count=1 -v ./internal/reload -timeout 0 -watchers -for $(or $(RELOADTIME),1m)

# A steady load for SOAKTIME on each store; the report is soak.md.
soak:
	@sh scripts/test-postgres >/dev/null
	rm -f soak.md
	LATER_TEST_REQUIRE_POSTGRES=1 go test -count=1 -v ./internal/soak -timeout 0 -soak $(or $(SOAKTIME),30m) -report $(CURDIR)/soak.md
