"""Row 8: the most memory that a process of a replay or of an import holds, of ten million events and of a million."""

from collections.abc import Callable, Iterator

from benchmarks.bench import Bench
from benchmarks.data import Shape
from benchmarks.databases import Kind
from benchmarks.datasets import Filled, imported, replayed
from benchmarks.result import Figure, Goal, Result

RATIO = Goal("x", 1.3, 1.3)
PEAK = Goal("MB", 600, 300)


def run(bench: Bench, number: str) -> Iterator[Result]:
    """An import on SQLite, which makes what row 7 reads; replays on both."""
    yield measured(bench, number, "import", Kind.SQLITE, imported)
    for kind in Kind:
        yield measured(bench, number, "replay", kind, replayed)


def measured(bench: Bench, number: str, work: str, kind: Kind, make: Callable[[Bench, Kind, Shape], Filled]) -> Result:
    large, tenth = make(bench, kind, bench.large).run, make(bench, kind, bench.tenth).run
    peaks = " and ".join(f"{peak:.0f}" for peak in large.peaks)
    return Result(
        number,
        f"peak memory of a process, {work} of {bench.large.events:,} events, {kind}",
        f"{large.peaks[0]:.0f} MB",
        f"{tenth.peaks[0]:.0f} MB at a tenth",
        (Figure(large.peaks[0] / tenth.peaks[0], RATIO), Figure(large.peaks[0], PEAK)),
        (f"processes of {peaks} MB; {large.seconds:.0f} s, {bench.large.events / large.seconds:,.0f} events/s",),
    )
