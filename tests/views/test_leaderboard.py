"""Leaderboards: ranks 1, 1, 3; the week and the month in which XP was earned; one course; a learner's neighbours."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from eventstore.db.database import Database
from eventstore.errors import InvalidInputError, NotFoundError
from projections.rollups import leaderboard as leaderboard_rollup
from projections.rollups.leaderboard import LeaderboardEntryKey, LeaderboardKey
from signals.signal import Signal, SignalType
from signals.xp import leaderboards, month, sum_xp, week
from tests.conftest import opened
from tests.engine.rows import rows, value
from tests.engine.support import HandClock, at, ping, quiz, running, step
from views import leaderboard
from views.leaderboard import Entry

XP = {"dora": 30, "bob": 50, "ada": 30, "cleo": 30, "eve": 10}
RANKED = [(1, "bob", 50), (2, "ada", 30), (2, "cleo", 30), (2, "dora", 30), (5, "eve", 10)]
BOARD = LeaderboardKey()
SHARD = 3


async def fill(database: Database, board: LeaderboardKey = BOARD) -> None:
    async with database.write() as connection:
        await leaderboard_rollup.add(
            connection, {LeaderboardEntryKey(user_id, board): xp for user_id, xp in XP.items()}, SHARD
        )


@pytest.fixture(scope="module")
async def filled(shared_url: str) -> str:
    """The URL of a database with that board."""
    async with opened(shared_url) as database:
        await fill(database)
    return shared_url


def plain(entries: Sequence[Entry]) -> list[tuple[int, str, int]]:
    return [(entry.rank, entry.user_id, entry.xp) for entry in entries]


async def pages(database: Database, board: LeaderboardKey, limit: int) -> list[list[tuple[int, str, int]]]:
    """The board, page by page."""
    result, cursor = [], None
    async with database.read() as connection:
        while True:
            page = await leaderboard.read(connection, board, limit, cursor)
            result.append(plain(page.entries))
            assert page.next != cursor or cursor is None, "the next page would be this one again"
            cursor = page.next
            if cursor is None:
                return result


async def test_equal_xp_is_equal_rank_and_the_next_rank_counts_all_before_it(filled: str) -> None:
    async with opened(filled) as database:
        assert await pages(database, BOARD, limit=10) == [RANKED]
        assert await rows(database, "SELECT rank, user_id, xp FROM v_leaderboard") == RANKED


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_ranks_go_on_from_page_to_page(filled: str, limit: int) -> None:
    async with opened(filled) as database:
        cut = [RANKED[start : start + limit] for start in range(0, len(RANKED), limit)]
        assert await pages(database, BOARD, limit) == cut


NEIGHBOURS = [
    ("bob", 2, [], RANKED[0], RANKED[1:3]),
    ("ada", 1, RANKED[:1], RANKED[1], RANKED[2:3]),
    ("cleo", 2, RANKED[:2], RANKED[2], RANKED[3:]),
    ("eve", 2, RANKED[2:4], RANKED[4], []),
    ("cleo", 0, [], RANKED[2], []),
    ("cleo", 100, RANKED[:2], RANKED[2], RANKED[3:]),
]


@pytest.mark.parametrize(("user_id", "number", "above", "own", "below"), NEIGHBOURS)
async def test_a_learner_sees_neighbours_on_both_sides_as_far_as_there_are_any(
    filled: str,
    user_id: str,
    number: int,
    above: list[tuple[int, str, int]],
    own: tuple[int, str, int],
    below: list[tuple[int, str, int]],
) -> None:
    async with opened(filled) as database, database.read() as connection:
        found = await leaderboard.read_around(connection, BOARD, user_id, number)

    assert (plain(found.above), plain([found.entry]), plain(found.below)) == (above, [own], below)


async def test_a_learner_without_xp_is_not_found_and_boards_are_apart(database: Database) -> None:
    await fill(database, LeaderboardKey("x", "2026-W48"))

    assert await pages(database, BOARD, limit=10) == [[]]
    assert await pages(database, LeaderboardKey("x", "2026-W48"), limit=10) == [RANKED]
    async with database.read() as connection:
        with pytest.raises(NotFoundError, match="found none for user_id 'ada'"):
            await leaderboard.read_around(connection, BOARD, "ada", 1)


async def test_an_empty_board_has_one_empty_page_and_a_foreign_cursor_is_refused(filled: str) -> None:
    async with opened(filled) as database, database.read() as connection:
        empty = await leaderboard.read(connection, LeaderboardKey("nobody's"), 5)
        assert (empty.entries, empty.next) == ([], None)
        with pytest.raises(InvalidInputError, match="cursor: expected the `next` of an earlier page"):
            await leaderboard.read(connection, BOARD, 5, "elsewhere")


async def test_xp_counts_in_the_week_the_month_and_the_course_in_which_it_was_earned(database_url: str) -> None:
    async with running(database_url, HandClock(at(9))) as engine:
        # given a course of a video (Sunday, November) and a quiz (Tuesday, December, of the next week)
        await engine.publish("x", "", (step("a"), step("b", "quiz")))
        await engine.ingest.submit([ping(at(2, -1)), quiz(at(3), class_id="b")])

        # then VIDEO 10 + STEP 30 is November's, QUIZ 20 + STEP 30 + COURSE 100 December's
        assert await rows(engine.database, "SELECT course_id, period, xp FROM lms_xp ORDER BY 1, 2") == [
            ("", "2026-11", 40),
            ("", "2026-12", 150),
            ("", "2026-W48", 40),
            ("", "2026-W49", 150),
            ("", "all", 190),
            ("x", "2026-11", 30),
            ("x", "2026-12", 130),
            ("x", "2026-W48", 30),
            ("x", "2026-W49", 130),
            ("x", "all", 160),
        ]


async def test_a_place_that_all_xp_moved_away_from_is_gone(database: Database) -> None:
    await fill(database)
    async with database.write() as connection:
        await leaderboard_rollup.add(
            connection, {LeaderboardEntryKey("eve", BOARD): -10, LeaderboardEntryKey("ada", BOARD): -10}, SHARD
        )

    assert await value(database, "SELECT count(*) FROM v_leaderboard") == 4
    assert await value(database, "SELECT xp FROM v_leaderboard WHERE user_id = 'ada'") == 20


PERIODS = [
    (at(2, -1), "2026-W48", "2026-11"),  # Sunday
    (at(2), "2026-W49", "2026-11"),  # Monday
    (at(3, -1), "2026-W49", "2026-11"),
    (at(3), "2026-W49", "2026-12"),  # 1 December
    (at(34), "2026-W53", "2027-01"),  # Friday, 1 January: of the last ISO week of 2026
]


@pytest.mark.parametrize(("instant", "its_week", "its_month"), PERIODS)
def test_weeks_begin_on_monday_and_months_on_the_first_in_utc(instant: datetime, its_week: str, its_month: str) -> None:
    assert (week(instant), month(instant)) == (its_week, its_month)


def test_a_signal_of_a_course_counts_on_its_boards_and_on_all() -> None:
    signal = Signal(SignalType.STEP_COMPLETED, "ada", "a", "x", at(0))

    assert set(leaderboards(signal)) == {
        LeaderboardKey(course_id, period) for course_id in ("", "x") for period in ("all", "2026-W48", "2026-11")
    }


def test_nothing_earned_changes_no_place() -> None:
    assert sum_xp([]) == {}
