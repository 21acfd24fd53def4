# make help lists the targets.
export GOTOOLCHAIN = local
export CGO_ENABLED = 0
# Everywhere, so that what one target has compiled is in the cache for the others.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMITTED := $(shell git show -s --format=%ct HEAD 2>/dev/null || echo 0)
GOBUILD  = go build -ldflags '-s -w -X main.version=$(VERSION) -X main.committed=$(COMMITTED)'
FUZZTIME ?= 30s
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.6.1

.PHONY: build demo test unit lab-test images lint bench golden fuzz deps clean help

build: ## build bin/ipfabric, bin/ipfabric-agent and bin/ipfabric-lab
	GOOS=linux GOARCH=amd64 $(GOBUILD) -o assets/agent/ipfabric-agent-amd64 ./cmd/ipfabric-agent
	GOOS=linux GOARCH=arm64 $(GOBUILD) -o assets/agent/ipfabric-agent-arm64 ./cmd/ipfabric-agent
	echo '$(VERSION) $(COMMITTED)' > assets/agent/ipfabric-agent-version
	$(GOBUILD) -o bin/ ./cmd/...

demo: build deps ## boot a lab of real machines, run init against it, show the sessions (root)
	.ci/demo

# Images are mostly downloaded, so they are made while the rest compiles. The
# tests on machines have the host to themselves: some of them measure.
test: ## run every test, those on lab machines too (root)
	$(MAKE) --jobs=4 --output-sync=target deps lint unit images
	$(MAKE) lab-test

lint: build ## gofmt, go vet, staticcheck, shellcheck
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	go vet -tags lab ./...
	$(STATICCHECK) -tags lab ./...
	shellcheck -s sh assets/sh/*.sh remote/sh/*.sh assets/node/*.sh assets/hooks/qemu .ci/*

# Most of these tests' time is waiting, so more packages run at a time than there
# are cores. Vetting is lint's.
unit: build ## run the tests that need neither root nor lab machines
	CGO_ENABLED=1 go test -race -count=1 -vet=off -p 4 -parallel 8 ./...

# In packages without such a test there is nothing to build or to run.
lab-test: build deps ## run the tests on lab machines and in network namespaces (root)
	go test -tags lab -run '^TestLab' -count=1 -vet=off -v -p 1 -timeout 60m \
		$$(grep -rl --include='*_test.go' '^func TestLab' . | xargs dirname | sort -u)

images: build deps ## build what the tests' machines boot from, if it is not there yet (root)
	bin/ipfabric-lab --dir bin/images up --mirror --rr-os debian11,debian13 --nodes 2 --node-os debian12,el8-like
	bin/ipfabric-lab --dir bin/images down

bench: build ## measure what the documents claim (root)
	go test -tags lab -run '^$$' -bench . -benchtime 20x -p 1 -timeout 30m ./...

golden: build ## write the expected files of the tests anew, to be looked at with git diff
	go test $$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"|steptest\.Golden\(' . | xargs dirname | sort -u) -update

fuzz: ## fuzz each parser of foreign input (FUZZTIME=30s for each)
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		grep -oE '^func Fuzz[A-Za-z0-9]+' "$$file" | cut -c6- | while read -r name; do \
			echo "$$name in $$(dirname "$$file")"; \
			go test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x || exit 1; \
		done || exit 1; \
	done

deps: ## install what demo and test need from the distribution's packages (root)
	@.ci/deps

clean: ## remove what build made
	rm -rf bin assets/agent/ipfabric-agent-*

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
