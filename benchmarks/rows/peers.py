"""Row 6: the full replay of row 5 against what two libraries do, which fold fewer events since they take longer."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.data import Shape, expected
from benchmarks.databases import Kind
from benchmarks.datasets import events_file
from benchmarks.peers.progress import Sums, sums
from benchmarks.program import PEERS
from benchmarks.program import run as run_program
from benchmarks.result import Figure, Goal, Result, same
from benchmarks.rows.replay import measured


class Peer(NamedTuple):
    """A library: what it does, in a module of `peers/`, how many events it is given, and what is to be reached."""

    name: str
    module: str
    events: int
    goal: Goal


PEER_LIBRARIES = (
    Peer("eventsourcing's projection", "eventsourcing_projection", 20_000, Goal("x", 60, 120, at_least=True)),
    Peer("Protean's rebuild", "protean_rebuild", 1_000, Goal("x", 600, 1_200, at_least=True)),
)


def run(bench: Bench, number: str) -> Iterator[Result]:
    """The slower of the two replays is what counts."""
    events = bench.million.events
    seconds = max(replay.seconds for replay in measured(bench, Kind.SQLITE))
    for peer in PEER_LIBRARIES:
        theirs = rate(bench, peer)
        yield Result(
            number,
            f"replay of {events:,} events, SQLite",
            f"{events / seconds:,.0f}/s",
            f"{theirs:,.0f}/s, {peer.name} into SQLite",
            (Figure(events / seconds / theirs, peer.goal),),
        )


def rate(bench: Bench, peer: Peer) -> float:
    """How many events a second the library folds; its result is checked."""
    learners = max(10, bench.count(peer.events) // 200)
    shape = Shape(bench.count(peer.events), learners, bench.million.until)
    file = events_file(bench, shape)
    bench.say(f"{peer.name}, {shape.events:,} events")
    done = run_program([PEERS, "-m", f"benchmarks.peers.{peer.module}", file])
    said = json.loads(done.output.splitlines()[-1])
    same(f"sums of {peer.name}", Sums(*said["sums"]), expected_sums(shape))
    return float(shape.events / said["seconds"])


def expected_sums(shape: Shape) -> Sums:
    rows = [row for learner in range(shape.learners) for row in expected(shape, learner)]
    return sums((row.video_max_position_sec, row.video_completed, row.quiz_passed, row.quiz_score or 0) for row in rows)
