# What to do with this repository: "make help". Each target is a few lines that can be typed by hand as well.

GOFUMPT     = go run mvdan.cc/gofumpt@v0.12.0
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

T = 30s     # fuzz: how long each fuzz test runs
STEPS = 2000000 # model: how many steps
N = 5       # steady: how many times, on each number of processors
S = 1h      # soak: how long things break on each server
PKG = ./... # fuzz, bench, steady: where to look
BENCH =     # bench: options, as in make bench BENCH="-rounds 2 -only ImapFlow"

.DEFAULT_GOAL = help

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 16

demo: ## see pushmail at work for 20 seconds, without any account
	go run ./cmd/pushmail demo --for 20s

build: ## the program, static, as ./pushmail
	CGO_ENABLED=0 go build -trimpath -o pushmail ./cmd/pushmail

test: servers vet ## all tests, with real servers
	go test $$(go list ./... | grep -v /e2e)
	go test -count=1 ./e2e/... # what they test is built by themselves: a cached result would say nothing

quick: vet ## the tests that need no server: a few seconds
	go test -short ./...

check: vet ## what a change must pass besides "make test": format, linters, go.mod, tests with the race detector
	@unformatted=$$($(GOFUMPT) -l .); [ -z "$$unformatted" ] || { echo "not gofumpt-clean (gofumpt -w .):"; echo "$$unformatted"; exit 1; }
	$(STATICCHECK) ./...
	go mod tidy -diff
	cd bench && go mod tidy -diff && go vet ./... && go test -short ./... # a module of its own, with the clients to compare with
	go test -race -shuffle=on -short $$(go list ./... | grep -v /e2e)

vet:
	go vet ./...

fuzz: ## run each fuzz test for T: make fuzz T=2m PKG=./imapwire
	.ci/fuzz $(T) $(PKG)

steady: ## the short tests N times on 1, 2 and 4 processors, shuffled: what is red once in a while is wrong: make steady N=20 PKG=./watch
	go test -race -shuffle=on -short -cpu 1,2,4 -count=$(N) -timeout 0 $$(go list $(PKG) | grep -v /e2e)

soak: servers ## break servers, network and program at random while mail arrives, on each server for S: make soak S=10m
	go test ./e2e/soak -v -count=1 -timeout 0 -parallel 3 -for $(S)

model: ## random histories of mailboxes against random faults, STEPS of them; sessions cut after every byte; whether the tests find planted bugs
	go test ./watch -run 'TestModel$$' -timeout 0 -steps=$(STEPS)
	go test ./mailbox -run Model -timeout 0 -steps=$(STEPS)
	go test ./watch -run TestStruckEverywhere -timeout 0 -every-byte
	go test ./watch -run TestModelFindsPlantedBugs -timeout 0 -v -bugs

bench: ## side by side with other clients: CPU, allocations, push latency (docs/performance.md); then our benchmarks
	cd bench && go run . $(BENCH)
	cd bench && go test -run '^$$' -bench . .
	go test -run '^$$' -bench . -benchmem $(PKG)

cover: ## which statements the tests reach: cover.html
	go test -short -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1
	go tool cover -html=cover.out -o cover.html

servers: ## install what the tests talk to (Dovecot, Cyrus, Courier, a browser), when it can; say how, when not
	@e2e/install-servers

.PHONY: help demo build test quick check vet fuzz steady soak model bench cover servers
