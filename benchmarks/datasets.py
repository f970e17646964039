"""Databases full of events, by kind and shape: each made once in a run, however many rows measure with it."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from benchmarks import raw
from benchmarks.bench import Bench
from benchmarks.check import check_all
from benchmarks.data import Shape
from benchmarks.databases import Kind, Store
from benchmarks.ndjson import write_ndjson
from benchmarks.program import PROGRAM, Run, run


class Filled(NamedTuple):
    """A database with all events of a shape in it, and the run of the program that did it."""

    store: Store
    run: Run


def events_file(bench: Bench, shape: Shape) -> Path:
    """The events as NDJSON."""
    return bench.once(("file", shape), lambda: _write(bench, shape))


def _write(bench: Bench, shape: Shape) -> Path:
    bench.say(f"drawing {shape.events:,} events of {shape.learners:,} learners")
    file = bench.folder / f"{shape.events}-of-{shape.learners}.ndjson"
    write_ndjson(shape, file)
    return file


def imported(bench: Bench, kind: Kind, shape: Shape) -> Filled:
    """A database into which `import` brought them, checked."""
    return bench.once(("imported", kind, shape), lambda: _import(bench, kind, shape))


def _import(bench: Bench, kind: Kind, shape: Shape) -> Filled:
    file = events_file(bench, shape)
    store = bench.databases.new(kind)
    bench.say(f"importing {shape.events:,} events, {kind}")
    done = run([PROGRAM, "import", file], store.url)
    check_all(store, shape)
    return Filled(store, done)


def replayed(bench: Bench, kind: Kind, shape: Shape) -> Filled:
    """A database whose log was filled past the product and then replayed, checked."""
    return bench.once(("replayed", kind, shape), lambda: _replay(bench, kind, shape))


def _replay(bench: Bench, kind: Kind, shape: Shape) -> Filled:
    store = filled(bench, kind, shape)
    bench.say(f"replaying {shape.events:,} events, {kind}")
    done = run([PROGRAM, "replay", "--workers", "2"], store.url)
    check_all(store, shape)
    return Filled(store, done)


def filled(bench: Bench, kind: Kind, shape: Shape) -> Store:
    """A database with the log, at least."""
    return bench.once(("filled", kind, shape), lambda: _fill(bench, kind, shape))


def _fill(bench: Bench, kind: Kind, shape: Shape) -> Store:
    store = bench.databases.new(kind)
    bench.say(f"filling a log with {shape.events:,} events, {kind}")
    if kind is Kind.SQLITE:
        raw.fill_sqlite(store, shape)
    else:
        asyncio.run(raw.fill_postgresql(store, shape))
    return store
