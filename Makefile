# Six words: test race lint bench museum demo.
.PHONY: test race lint bench museum demo

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

# Bugs of other job systems in our code, and which test catches each: a table. Fails if one survives.
museum:
	@sh scripts/test-postgres >/dev/null
	@go run ./internal/museum

demo:
	go run ./cmd/later demo
