# Six words: test race lint bench demo simulate.
.PHONY: test race lint bench demo simulate

# Everything that must hold before a change lands.
test: lint
	CGO_ENABLED=0 go build ./...
	@sh scripts/test-postgres >/dev/null
	LATER_TEST_REQUIRE_POSTGRES=1 go test -timeout 8m ./...
	@sh scripts/each-postgres
	@if [ -n "$$CI" ]; then $(MAKE) race; fi

# The race detector needs cgo, and so a C compiler.
race:
	@command -v cc >/dev/null || sh scripts/install-debian gcc libc6-dev
	CGO_ENABLED=1 go test -race -short -timeout 10m ./...

lint:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	cd bench && go vet ./...

# The stores alone, then beside a peer on one PostgreSQL.
bench:
	@sh scripts/test-postgres >/dev/null
	go test -run '^$$' -bench . ./...
	cd bench && go run . -jobs 100000 -rounds 2 -pin-minutes 1

# Several processes and a store that fails in every way, in fake time: make simulate
# SEEDS=20000 FROM=1000. A failing seed is repeated by the command that it prints.
SEEDS ?= 5000
FROM ?= 1
simulate:
	cd internal/simulation && go test -run 'TestSeeds$$' -timeout 0 -seeds=$(SEEDS) -from=$(FROM)

demo:
	go run ./cmd/later demo
