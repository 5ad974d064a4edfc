# Two commands: `make demo` shows it at work, `make test` checks everything. Both may be run again and again.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# No bytecode at installation: it is written on the first import of what is really used. Half the time, half the disk.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt
# One compute thread a process: on a small machine a second one makes short texts slower.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export BENTOML_DO_NOT_TRACK := True
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: bench browser clean demo lint serve test train

demo: $(VENV)/.base
	$(BIN)/python -m serving demo

serve: $(VENV)/.base
	$(BIN)/python -m serving up

test: $(VENV)/.dev browser lint
	$(BIN)/python -m pytest

# The page is tested in a real browser; where it cannot be installed those tests say so and are skipped.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	    apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || \
	    echo "no chromium here: the browser tests will be skipped"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

train: $(VENV)/.dev
	$(BIN)/python -m training fit triage

bench: $(VENV)/.dev
	$(BIN)/python -m pytest tests/bench --benchmark-only

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --upgrade 'pip>=25'

$(VENV)/.base: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) -e .
	@# Bytecode of what the server imports, and of nothing else: the first start is then as fast as the second.
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c \
	    'import uvicorn, serving.demo, serving.up; from serving.service import Aftersight; Aftersight.to_asgi()'
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(INSTALL) -e '.[train,dev]'
	touch $@

clean:
	rm -rf $(VENV) mlflow.db mlartifacts var
