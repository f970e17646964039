# Everything a newcomer needs: `make run` and `make test`. What takes more than two lines is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help run test-fast test coverage acceptance lint lock bench clean

help:
	@echo 'make run         install, migrate, serve on 127.0.0.1:8000; an empty database gets a sample course and learners'
	@echo '                 PORT=8001 make run          another port'
	@echo '                 LMS_DATABASE_URL=… make run another database than ./lms-progress.db'
	@echo 'make test-fast   install, run the tests that need no server and take no long time: less than a minute'
	@echo '                 make test-fast PYTEST_ARGS="tests/projections -x"'
	@echo 'make test        install, also PostgreSQL, Redis, RabbitMQ and Kafka from the system, run every test'
	@echo '                 LMS_REQUIRE_SERVICES=1 make test   where a service is missing, the tests that need it fail;'
	@echo '                                                    otherwise they are skipped'
	@echo 'make coverage    make test, then print the branch coverage; takes PYTEST_ARGS, too'
	@echo 'make acceptance  make test of what can run for long, for about an hour, with figures'
	@echo 'make lint        install, run ruff, mypy and import-linter'
	@echo 'make bench       install, measure speed and memory, print the table and save it as benchmarks/RESULTS.md'
	@echo '                 make bench ROWS="1 5" SCALE=0.1   only those rows, at a tenth of the size; not saved'
	@echo 'make lock        choose the newest versions, from pyproject.toml and benchmarks/requirements.in'
	@echo 'make clean       remove what was installed and cached; databases stay'

run: .venv/installed
	@scripts/run

test-fast: .venv/installed
	@scripts/test-fast $(PYTEST_ARGS)

test: .venv/installed
	@scripts/test $(PYTEST_ARGS)

coverage: .venv/installed
	@scripts/coverage $(PYTEST_ARGS)

acceptance: .venv/installed
	@scripts/acceptance $(PYTEST_ARGS)

lint: .venv/installed
	@scripts/lint

bench: .venv/installed
	@scripts/bench $(ROWS)

lock:
	@scripts/lock

clean:
	rm -rf .venv .kafka benchmarks/.venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: requirements.lock pyproject.toml scripts/install
	@scripts/install
	@touch $@
