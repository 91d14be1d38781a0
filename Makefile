# Thin: everything here is a command that can be typed. The README shows them.
LANE ?= current
LANES := $(basename $(notdir $(wildcard lanes/*.txt)))
ifeq ($(filter $(LANE),$(LANES)),)
$(error unknown lane '$(LANE)': choose from $(LANES))
endif

VENV := .venv$(if $(filter-out current,$(LANE)),-$(LANE))
PYTHON := $(VENV)/bin/python
TESTS ?= tests/
READY := $(VENV)/.ready
# torch for GPUs brings the Triton that it needs; beside torch for CPUs, tests interpret and compile the kernels with this.
TRITON := 3.6.0
LANE_TESTS := $(addprefix tests/fixtures/test_,attention.py bark.py counters.py decoding.py \
	decoding_rules.py fast_decoding.py fidelity.py latency.py measure.py \
	placement.py planting.py proof.py proof_attention.py reference.py synthetic.py) tests/suite/test_end_to_end.py
# A worker of pytest-xdist for each core; more than a few would wait for each other's memory.
SPREAD := -n logical --maxprocesses=4 --dist=worksteal

# Resolves to the oldest releases that pyproject.toml allows, which pip cannot.
UV := 0.13.9
OLDEST := .venv-oldest/bin
WITH ?=

.PHONY: bench measure oldest test test-lane lint types workflows setup setup-reports

bench: setup  ## measure, compare with the baseline, write run file and report to reports/latest/
	$(PYTHON) -m pytest benchmarks/ --benchmark-compare $(ARGS)

measure: setup  ## measure only, such as one of two checkouts that are compared afterwards
	$(PYTHON) -m pytest benchmarks/ $(ARGS)

oldest:  ## one cell and its report with the oldest releases allowed; WITH='torch==2.13.0 transformers==4.57.*' moves some
	python3 -m venv --clear .venv-oldest
	$(OLDEST)/python -m pip install --quiet uv==$(UV)
	$(OLDEST)/uv pip install --quiet --python $(OLDEST)/python --resolution lowest-direct \
		--requirements pyproject.toml $(foreach pin,$(WITH),'$(pin)')
	$(OLDEST)/python -m pytest benchmarks/ --device=cpu --level=smoke --rounds=2 --report-dir=.venv-oldest/measured \
		-k "tiny and eager and fp32 and resident and dynamic and batch1" $(ARGS)
	$(OLDEST)/python -m reports render .venv-oldest/measured/run.json --history .venv-oldest/measured \
		--output .venv-oldest/report

test: setup  ## the tests of the suite itself
	$(PYTHON) -m pytest $(TESTS) $(SPREAD) $(ARGS)

test-lane: setup  ## what depends on the lane: models, proofs, counters, and one cell from end to end
	$(PYTHON) -m pytest $(LANE_TESTS) $(SPREAD) $(ARGS)

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: setup
	$(PYTHON) -m mypy

workflows: setup  ## permissions, injections and the schema of .github/workflows
	$(VENV)/bin/zizmor --offline --quiet --persona=pedantic .github
	$(PYTHON) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(PYTHON) -m check_jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

setup: $(READY)

setup-reports:  ## what `python -m reports` needs and nothing of what measures: seconds, not gigabytes
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --require-hashes --only-binary :all: --requirement .github/requirements.txt

$(READY): pyproject.toml lanes/$(LANE).txt
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --constraint lanes/$(LANE).txt '.[dev]'
	$(if $(filter Linux-x86_64,$(shell uname -sm | tr ' ' -)),$(PYTHON) -c 'import triton' 2>/dev/null || \
		$(PYTHON) -m pip install --quiet triton==$(TRITON),true)
	touch $@
