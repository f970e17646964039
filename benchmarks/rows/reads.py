"""Row 7: what readers wait for at 200 requests/s: of a million learners, ten million events, and of a tenth of them."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import count, cycle, islice
from urllib.parse import quote
from urllib.request import urlopen

from benchmarks import open_loop, servers
from benchmarks.bench import Bench
from benchmarks.data import CLASSES, COURSES, SCRAMBLE, Shape, expected, user_id
from benchmarks.databases import Kind
from benchmarks.datasets import replayed
from benchmarks.open_loop import Latencies, get, lateness
from benchmarks.result import Figure, Goal, Result, same

RATE = 200.0
ROUNDS = 4
ROUND_SEC = 2.0
WARM_UP_SEC = 1.0
RATIO = Goal("x", 1.5, 1.5)
P99 = Goal("ms", 20, 5)
PAGES = 20

Paths = Callable[[str, Shape], Iterator[str]]
"""What is asked for, without end, of the server at a URL with the learners of a shape."""


def run(bench: Bench, number: str) -> Iterator[Result]:
    for kind in Kind:
        large, tenth = (replayed(bench, kind, shape).store for shape in (bench.large, bench.tenth))
        for store in (large, tenth):
            store.settle()
        with servers.product(large) as url, servers.product(tenth) as url_of_tenth:
            for name, paths in ENDPOINTS.items():
                bench.say(f"{name}, {kind}")
                asked = paths(url, bench.large), paths(url_of_tenth, bench.tenth)
                many, few = measured(bench, (url, url_of_tenth), asked)
                yield Result(
                    number,
                    f"p99 of {name} at {RATE:.0f}/s, {kind}",
                    f"{many.p99:.1f} ms",
                    f"{few.p99:.1f} ms at a tenth",
                    (Figure(many.p99 / few.p99, RATIO), Figure(many.p99, P99)),
                    (f"p50 {many.p50:.1f} ms, at a tenth {few.p50:.1f} ms; {lateness(many)}",),
                )


def measured(bench: Bench, urls: Sequence[str], asked: Sequence[Iterator[str]]) -> list[Latencies]:
    """The latencies of each server: after some to warm up, in turns, so that both meet the same noise."""
    for url, paths in zip(urls, asked, strict=True):
        look_at(url, next(paths))
        open_loop.ask(url, list(requests(paths, bench.seconds(WARM_UP_SEC))), RATE)
    latencies = [Latencies([], []) for _ in urls]
    for _ in range(ROUNDS):
        for at, (url, paths) in enumerate(zip(urls, asked, strict=True)):
            ready = list(requests(paths, bench.seconds(ROUND_SEC)))
            latencies[at] = latencies[at].plus(open_loop.ask(url, ready, RATE))
    return latencies


def requests(paths: Iterator[str], seconds: float) -> Iterator[bytes]:
    """As many of `paths` as are asked for in so long."""
    return map(get, islice(paths, round(RATE * seconds)))


def look_at(url: str, path: str) -> None:
    """An answer says something of what was asked for."""
    with urlopen(url + path) as answer:  # noqa: S310 - our own server
        said = json.load(answer)
    empty = [name for name, value in said.items() if value == []]
    same(f"what is empty in the answer to {path}", empty, [])


def learners(shape: Shape) -> Iterator[int]:
    """Some learner or other, without end."""
    return (number * SCRAMBLE % shape.learners for number in count(1))


def progress_of_learner(_: str, shape: Shape) -> Iterator[str]:
    return (f"/v1/users/{user_id(learner)}/progress" for learner in learners(shape))


def progress_rows(_: str, shape: Shape) -> Iterator[str]:
    """Of a learner, of a class and of a course in turn."""
    for number, learner in enumerate(learners(shape)):
        yield f"/v1/progress?user_id={user_id(learner)}"
        yield f"/v1/progress?class_id=class-{number % CLASSES:02d}"
        yield f"/v1/progress?course_id=course-{number % COURSES}"


def leaderboard(url: str, _: Shape) -> Iterator[str]:
    """The first pages of the leaderboard, of a course's, and of the month's and the week's, in turn."""
    boards = ["", "&window=month", *(f"&course_id=course-{course}" for course in range(COURSES))]
    return cycle([path for board in boards for path in pages(url, f"/v1/leaderboard?limit=50{board}")])


def pages(url: str, path: str) -> list[str]:
    """A page, and those after it."""
    found = [path]
    while len(found) < PAGES:
        with urlopen(url + found[-1]) as answer:  # noqa: S310 - our own server
            cursor = json.load(answer)["next"]
        if cursor is None:
            break
        found.append(f"{path}&cursor={quote(cursor)}")
    return found


def rank(_: str, shape: Shape) -> Iterator[str]:
    """Of learners who have XP: others stand on no leaderboard."""
    earners = (learner for learner in learners(shape) if any(row.earns for row in expected(shape, learner)))
    return (f"/v1/leaderboard/{user_id(learner)}?neighbours=5" for learner in earners)


def daily(_: str, __: Shape) -> Iterator[str]:
    return cycle(["/v1/stats/daily"])


def signals(_: str, shape: Shape) -> Iterator[str]:
    return first_page_and_learners("/v1/stats/signals", shape)


def activity(_: str, shape: Shape) -> Iterator[str]:
    return first_page_and_learners("/v1/stats/activity", shape)


def first_page_and_learners(path: str, shape: Shape) -> Iterator[str]:
    """The first page and some learner's line, in turn."""
    for learner in learners(shape):
        yield path
        yield f"{path}?user_id={user_id(learner)}"


ENDPOINTS: dict[str, Paths] = {
    "a learner's progress": progress_of_learner,
    "rows of progress": progress_rows,
    "a leaderboard page": leaderboard,
    "own rank with 5 neighbours": rank,
    "stats by day": daily,
    "stats of signals": signals,
    "stats of activity": activity,
}
