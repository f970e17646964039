"""A group never commits past a message that is not done with, and commits past all of them in the end."""

from hypothesis import given
from hypothesis import strategies as st

from integrations.kafka.offsets import OffsetTracker, RecordOffset


def place_in(split: tuple[str, int], offset: int) -> RecordOffset:
    return RecordOffset(*split, offset)


PARTITIONS = st.sampled_from([("exams", 0), ("exams", 1), ("pages", 0)])
PLACES = st.sets(st.builds(place_in, PARTITIONS, st.integers(0, 20)), min_size=1)


@given(PLACES, st.data())
def test_what_is_committed_lies_before_all_that_is_in_hand(places: set[RecordOffset], data: st.DataObject) -> None:
    in_hand = taken(places)
    open_places = set(places)
    for place in data.draw(st.permutations(sorted(places))):
        reached = in_hand.done([place])
        open_places.discard(place)
        assert set(reached) == {place.split}
        assert all(each.offset >= reached[place.split] for each in open_places if each.split == place.split)


@given(PLACES, st.data())
def test_when_all_is_done_with_all_is_committed(places: set[RecordOffset], data: st.DataObject) -> None:
    in_hand, committed = taken(places), dict[tuple[str, int], int]()
    for place in data.draw(st.permutations(sorted(places))):
        committed |= in_hand.done([place])
    last = {split: max(each.offset for each in places if each.split == split) for split in {p.split for p in places}}
    assert committed == {split: offset + 1 for split, offset in last.items()}


def test_a_partition_that_went_to_another_member_is_not_committed() -> None:
    here, gone = RecordOffset("exams", 0, 7), RecordOffset("exams", 1, 7)
    in_hand = taken({here, gone})
    in_hand.drop([gone.split])
    assert not in_hand.holds(gone)
    assert in_hand.done([here, gone]) == {here.split: 8}


@given(PLACES)
def test_a_position_names_its_place(places: set[RecordOffset]) -> None:
    assert {RecordOffset.read(place.topic, place.position) for place in places} == places


def taken(places: set[RecordOffset]) -> OffsetTracker:
    in_hand = OffsetTracker()
    for place in sorted(places):
        in_hand.track(place)
    return in_hand
