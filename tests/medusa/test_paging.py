"""Lists in pages: each row once and none missed, though rows are deleted and created meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking import Thing, in_turn, talk

from appliance.medusa.faults import MedusaChanged
from appliance.medusa.paging import OVERLAP, Listing, by_ids, pages, whole

THINGS = Listing(path="/admin/things", key="things", fields="id", row=Thing)


class Shelf:
    """A list of Medusa that changes after each answer."""

    def __init__(self, count: int, changes: Callable[[list[int], int], None] = lambda rows, asked: None) -> None:
        self.rows = list(range(count))
        self.asked = 0
        self._change = changes

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        assert asked["order"] == "id"
        offset, limit = int(asked["offset"]), int(asked["limit"])
        body: Any = {"things": [{"id": f"t{row:06}"} for row in self.rows[offset : offset + limit]]}
        body["count"] = len(self.rows)
        self._change(self.rows, self.asked)
        self.asked += 1
        return httpx.Response(200, json=body)


@pytest.mark.parametrize(("count", "asked"), [(0, 1), (1, 1), (19, 1), (20, 2), (34, 2), (35, 3)])
def test_a_list_is_read_whole(count: int, asked: int) -> None:
    shelf = Shelf(count)
    found = list(pages(talk(shelf), THINGS, 20))
    assert [row.id for rows in found for row in rows] == [f"t{row:06}" for row in range(count)]
    assert all(found)
    assert shelf.asked == asked


@given(
    st.integers(0, 120),
    st.integers(OVERLAP + 1, 40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), max_size=12),
)
def test_what_stays_is_read_once_whatever_is_deleted_or_created(
    count: int, size: int, changes: list[tuple[int, int]]
) -> None:
    def change(rows: list[int], asked: int) -> None:
        if asked < len(changes):
            deleted, created = changes[asked]
            del rows[: deleted // 2], rows[len(rows) // 2 : len(rows) // 2 + deleted // 2]
            rows.extend(range(10_000 * (asked + 1), 10_000 * (asked + 1) + created))

    shelf = Shelf(count, change)
    found = [row.id for rows in pages(talk(shelf), THINGS, size) for row in rows]
    assert len(found) == len(set(found))
    assert {f"t{row:06}" for row in shelf.rows if row < count} <= set(found)


def test_a_first_page_that_is_deleted_wholly_is_no_end() -> None:
    def change(rows: list[int], asked: int) -> None:
        if asked == 0:
            del rows[:100]

    assert [row.id for row in whole(talk(Shelf(130, change)), THINGS, 100)][-30:] == [
        f"t{row:06}" for row in range(100, 130)
    ]


def test_rows_that_nobody_asked_for_are_refused() -> None:
    body = {"things": [{"id": "a"}, {"id": "b"}], "count": 2}
    client = talk(in_turn(httpx.Response(200, json=body)))
    assert by_ids(client, THINGS, ["b", "a", "gone"]) == (Thing("a"), Thing("b"))
    with pytest.raises(MedusaChanged, match="/admin/things"):
        by_ids(client, THINGS, ["a"])
    assert by_ids(client, THINGS, []) == ()


def test_a_missing_field_is_named_with_its_place() -> None:
    client = talk(in_turn(httpx.Response(200, json={"things": [{"id": "a"}, {}], "count": 2})))
    with pytest.raises(MedusaChanged, match=r"required field `id` - at `\$\.things\[1\]`"):
        whole(client, THINGS)
    client = talk(in_turn(httpx.Response(200, json={"count": 0})))
    with pytest.raises(MedusaChanged, match="required field `things`"):
        whole(client, THINGS)
