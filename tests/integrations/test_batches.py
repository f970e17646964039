"""Batches by size: in their order, all of them, and none larger than it has to be."""

from hypothesis import example, given
from hypothesis import strategies as st

from integrations.inbound.source import BATCH, FIRST, RECORD_BYTES, TAKE_BYTES, Delivery, next_number, split_by_bytes
from tests.integrations.scripted import NOW


def deliveries(sizes: list[int]) -> list[Delivery]:
    return [Delivery("words", str(place), bytes(size), NOW) for place, size in enumerate(sizes)]


sizes = st.lists(st.integers(0, RECORD_BYTES * 2), max_size=8)


@given(sizes)
@example([0, RECORD_BYTES + 1])
def test_parts_are_all_of_it_in_order_and_no_larger_than_one_message_makes_them(sizes: list[int]) -> None:
    whole = deliveries(sizes)

    cut = list(split_by_bytes(whole))

    assert [each for part in cut for each in part] == whole
    assert all(part for part in cut)
    assert all(len(part) == 1 or sum(len(each.body) for each in part) <= RECORD_BYTES for part in cut)


def test_small_messages_are_one_part() -> None:
    assert len(list(split_by_bytes(deliveries([1_000] * BATCH)))) == 1


@given(st.integers(1, BATCH), sizes)
def test_what_is_asked_for_grows_no_faster_than_its_size_allows(number: int, sizes: list[int]) -> None:
    taken = deliveries(sizes)

    asked = next_number(number, taken)

    assert 1 <= asked <= BATCH
    if taken:
        assert asked <= 2 * number
        assert asked == 1 or asked * (sum(sizes) // len(sizes)) <= TAKE_BYTES


def test_it_begins_with_a_few_and_soon_asks_for_a_batch() -> None:
    number = next_number(BATCH, [])
    assert number == FIRST
    for _ in range(5):
        number = next_number(number, deliveries([1_000]))
    assert number == BATCH
