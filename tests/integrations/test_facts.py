"""Facts: the last word on each thing counts, whatever order, batches and repeats the words arrive in."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.database import Database
from integrations.inbound import reference_store
from integrations.inbound.reference_data import Enrolment, Fact, Media, Profile, ProfileField, Reference, latest
from integrations.tables import lms_reference
from signals.tables import lms_enrolment, lms_media, lms_profile
from tests.integrations.school import NOON

instants = st.integers(0, 1).map(lambda number: NOON + timedelta(microseconds=number))
words = st.sampled_from(["", "a", "b", "B", "é", "\U0001f600", "ﬀ"])
"""Few, so that there are ties; and in different orders by code point, by UTF-16 and by a language's rules."""

profiles = st.builds(Profile, st.sampled_from(["ada", "bob"]), st.sampled_from(ProfileField), words, instants)
enrolments = st.builds(Enrolment, st.sampled_from(["ada", "bob"]), st.sampled_from(["x", "y"]), instants)
media = st.builds(Media, st.sampled_from(["a", "b"]), words, st.sampled_from([9, 10, 600]), instants)
references = st.builds(
    Reference,
    st.just("school"),
    st.sampled_from(["lesson", "room"]),
    st.sampled_from(["1", "2"]),
    st.sampled_from([None, "", "a", "B"]),
    st.sampled_from(["", "a", "B"]),
    instants,
    st.booleans(),
)
any_fact: st.SearchStrategy[Fact] = profiles | enrolments | media | references
sorts: list[st.SearchStrategy[Fact]] = [profiles, enrolments, media, references]
facts = st.one_of([st.lists(sort, max_size=12) for sort in sorts]) | st.lists(any_fact, max_size=20)


class Facts:
    """A database in which facts can be kept and are forgotten again."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._database = Database(url)

    def kept(self, batches: Sequence[Sequence[Fact]]) -> set[Fact]:
        """What is there after those batches."""
        return self._runner.run(self._kept(batches))

    async def _kept(self, batches: Sequence[Sequence[Fact]]) -> set[Fact]:
        async with self._database.engine.connect() as connection:
            for batch in batches:
                await reference_store.save_reference_data(connection, batch)
            found = await stored(connection)
            await connection.rollback()
            return found

    def close(self) -> None:
        self._runner.run(self._database.close())
        self._runner.close()


async def stored(connection: AsyncConnection) -> set[Fact]:
    found: set[Fact] = {
        Profile(user_id, ProfileField(field), value, said_at)
        for user_id, field, value, said_at in await connection.execute(select(lms_profile))
    }
    found |= {Enrolment(*row) for row in await connection.execute(select(lms_enrolment))}
    found |= {Media(*row) for row in await connection.execute(select(lms_media))}
    keys = [(row.source, row.kind, row.external_id) for row in await connection.execute(select(lms_reference))]
    return found | set((await reference_store.references(connection, keys)).values())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("facts") / "lms.db"
        path.write_bytes(request.getfixturevalue("migrated_sqlite").read_bytes())
        found = Facts(f"sqlite:///{path}")
    else:
        template = request.getfixturevalue("migrated_postgres")
        found = Facts(request.getfixturevalue("postgres").create_database(template))
    yield found
    found.close()


def expected(said: Sequence[Fact]) -> set[Fact]:
    """The definition: of each thing, what was said last, and of that the greatest; of enrolments the earliest."""
    sorts = (Profile, Enrolment, Media, Reference)
    last: list[Fact] = [fact for sort in sorts for fact in latest(f for f in said if isinstance(f, sort)).values()]
    return {fact._replace(name=fact.name or None) if isinstance(fact, Reference) else fact for fact in last}


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_order_batches_and_repeats_do_not_matter(database: Facts, data: st.DataObject) -> None:
    said = data.draw(facts)
    shuffled = data.draw(st.permutations(said)) + data.draw(
        st.lists(st.sampled_from(said), max_size=5) if said else st.just([])
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    batches = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]

    assert database.kept(batches) == database.kept([[fact] for fact in said]) == expected(said)


NOW = datetime(2026, 11, 30, tzinfo=UTC)
LATER = NOW + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        (Profile("a", ProfileField.NAME, "Z", NOW), Profile("a", ProfileField.NAME, "A", LATER), "second"),
        (Profile("a", ProfileField.NAME, "Z", LATER), Profile("a", ProfileField.NAME, "A", NOW), "first"),
        (Profile("a", ProfileField.NAME, "A", NOW), Profile("a", ProfileField.NAME, "Z", NOW), "second"),
        (Enrolment("a", "x", LATER), Enrolment("a", "x", NOW), "second"),
        (Enrolment("a", "x", NOW), Enrolment("a", "x", LATER), "first"),
        (Media("a", "new", 60, LATER), Media("a", "old", 90, NOW), "first"),
        (Media("a", "m", 9, NOW), Media("a", "m", 10, NOW), "second"),
        (
            Reference("s", "k", "1", "A", "{}", NOW),
            Reference("s", "k", "1", None, "", LATER, is_deleted=True),
            "second",
        ),
        (Reference("s", "k", "1", None, "", NOW, is_deleted=True), Reference("s", "k", "1", "A", "{}", NOW), "first"),
        (Reference("s", "k", "1", "A", "{}", LATER), Reference("s", "k", "1", None, "", NOW, is_deleted=True), "first"),
    ],
)
def test_the_last_word_counts(database: Facts, first: Fact, second: Fact, counts: str) -> None:
    assert database.kept([[first], [second]]) == {first if counts == "first" else second}


def test_facts_on_different_things_do_not_touch(database: Facts) -> None:
    said: set[Fact] = {
        Profile("a", ProfileField.NAME, "A", NOW),
        Profile("a", ProfileField.ROLE, "B", LATER),
        Profile("b", ProfileField.NAME, "C", LATER),
        Reference("s", "k", "1", "A", "{}", NOW),
        Reference("t", "k", "1", "B", "{}", LATER),
        Media("a", "m", 9, NOW),
        Media("b", "m", 10, LATER),
    }
    assert database.kept([list(said)]) == said
