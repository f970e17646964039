"""The mapping file: what it says is what is meant, both ways; what is wrong in it is told where it stands."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.errors import InvalidInputError
from integrations.inbound.class_lookup import table_name
from integrations.inbound.mapping import ClassMapping, Mappings, SystemMapping
from integrations.inbound.mapping_file import load
from tests.integrations.worlds import world

FILE = """
[redis.class.1]
class_id = "loops"

[redis.module.15]
class_id = "loops"
course_id = "python-101"
quiz_id = "loops-quiz"
max_score = 20
pass_score = 12.5

[rabbitmq.course.course123]
course_id = "python-101"

[rabbitmq.lecture.lecture456]
class_id = "loops"

[kafka.exam."5f0c7a52-6f9c-4f0e-8d43-0d0cf6b1a001"]
class_id = "loops"
"""

ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def loaded(text: str) -> Mappings:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mapping.toml"
        file.write_text(text, "utf-8")
        return load(file)


def test_what_the_file_says_is_what_is_meant() -> None:
    mappings = loaded(FILE)
    redis, rabbitmq, kafka = (mappings.of(system) for system in ("redis", "rabbitmq", "kafka"))
    assert redis.class_of("class", "1") == ClassMapping("loops")
    assert redis.class_of("module", "15") == ClassMapping("loops", "python-101", "loops-quiz", 20, 12.5)
    assert rabbitmq.course_of("course123") == "python-101"
    assert rabbitmq.class_of("lecture", "lecture456") == ClassMapping("loops")
    assert kafka.class_of("exam", "5f0c7a52-6f9c-4f0e-8d43-0d0cf6b1a001") == ClassMapping("loops")
    assert [redis.maps_any("module"), kafka.maps_any("module")] == [True, False]


def test_it_also_says_what_ours_are_called_there() -> None:
    mappings = loaded(FILE)
    assert mappings.of("redis").external_id("module", "loops") == "15"
    assert mappings.of("rabbitmq").external_id("course", "python-101") == "course123"
    assert mappings.of("rabbitmq").external_id("lecture", "loops") == "lecture456"
    assert mappings.of("rabbitmq").external_id("lecture", "lists") is None


@pytest.mark.parametrize("mappings", [Mappings(), loaded("")])
def test_where_it_says_nothing_nothing_is_meant(mappings: Mappings) -> None:
    for system in ("tally", "redis", "rabbitmq", "kafka"):
        mapping = mappings.of(system)
        assert mapping.system == system
        assert [mapping.class_of("class", "1"), mapping.course_of("1"), mapping.external_id("class", "1")] == [None] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[redis.class.1", "mapping.toml: expected TOML, found Expected ']'"),
        ("redis = 1", "mapping.toml, redis: expected an object, found 1"),
        ("[moodle.class.1]", "mapping.toml, moodle: expected no field of this name"),
        ("[redis.exam.1]", "mapping.toml, redis.exam: expected no field of this name"),
        ("[redis.class.1]", "mapping.toml, redis.class.1.class_id: expected a value, found nothing"),
        ("[redis.class.1]\nclass_id = 1", "mapping.toml, redis.class.1.class_id: expected a valid string, found 1"),
        ("[redis.class.1]\nclass_id = ''", "redis.class.1.class_id: expected at least 1 character"),
        ("[redis.class.1]\nclass_id = 'a'\nclassid = 'a'", "redis.class.1.classid: expected no field of this name"),
        ("[redis.class.1]\nclass_id = 'a'\nmax_score = 0", "redis.class.1.max_score: expected greater than 0, found 0"),
        ("[redis.class.1]\nclass_id = 'a'\npass_score = nan", "redis.class.1.pass_score: expected a finite number"),
        ("[rabbitmq.course.a]\nclass_id = 'a'", "rabbitmq.course.a.course_id: expected a value, found nothing"),
    ],
)
def test_what_is_wrong_in_it_is_told(text: str, expected: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        loaded(text)
    assert expected in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        loaded("[redis.class.1]\n[kafka.exam.2]\n[moodle.class.1]")
    assert len(caught.value.errors) == 3


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.toml: expected a file that can be read, found No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(InvalidInputError, match=r"latin\.toml: expected TOML, found 'utf-8' codec"):
        load(tmp_path / "latin.toml")


@settings(deadline=None)
@given(ids)
def test_the_table_that_a_reason_asks_for_is_the_one_that_helps(external_id: str) -> None:
    table = table_name(world(SystemMapping("redis")), "module", external_id)
    assert loaded(f'[{table}]\nclass_id = "loops"').of("redis").class_of("module", external_id) == ClassMapping("loops")


@settings(deadline=None)
@given(st.dictionaries(ids, st.sampled_from(["a", "b", "c"]).map(ClassMapping)))
def test_what_ours_are_called_there_means_ours(places: dict[str, ClassMapping]) -> None:
    mapping = SystemMapping("kafka", {"exam": places})
    for class_id in {place.class_id for place in places.values()}:
        external_id = mapping.external_id("exam", class_id)
        assert external_id == min(there for there, place in places.items() if place.class_id == class_id)
