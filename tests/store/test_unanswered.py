"""Questions without an answer, grouped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store import unanswered as module
from appliance.store.faq import FaqRepository
from appliance.store.group_writer import GroupWriter
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore
from appliance.store.unanswered import UnansweredRepository

NOW = 1_760_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


@pytest.fixture
def writer(store: SqliteStore) -> Iterator[GroupWriter]:
    opened = GroupWriter(store)
    yield opened
    opened.close()


def test_like_questions_are_one_group(store: SqliteStore, writer: GroupWriter) -> None:
    groups = UnansweredRepository(store, writer)
    for number, text in enumerate(
        ("Shop có gói quà không ạ?", "có gói quà ko", "goi qua khong shop oi", "Có gói  quà hok", "gói quà có không")
    ):
        groups.note(text, "vi", f"t{number}", NOW + number)
    groups.note("Shop có khắc tên lên ví không", "vi", "t9", NOW)
    groups.note("do you gift wrap", "en", "t10", NOW)
    for repository in (groups, _reopened(store, writer)):
        found, total = repository.list()
        assert total == 3
        assert [group.occurrences for group in found] == [5, 1, 1]
        assert found[0].question == "Shop có gói quà không ạ?"
        assert len(found[0].variants) == 4
        assert (found[0].last_turn_id, found[0].first_at, found[0].last_at) == ("t4", NOW, NOW + 4)


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("shop có xuất hóa đơn không", "xuất hoá đơn giúp mình với", True),
        ("bao lâu thì hoàn tiền", "hoàn tiền bao lâu vậy shop", True),
        ("do you ship to Laos", "can you shipp to laos please", True),
        ("international shipping to Laos", "internatonal shipping laos", True),
        ("phí ship Huế", "phí ship Hội An", False),
        ("có bán áo khoác nữ không", "có bán áo khoác nam không", False),
        ("giày size 38 khi nào về", "giày size 41 khi nào về", False),
        ("ship", "ship hỏa tốc đi Đà Nẵng bao nhiêu", False),
    ],
)
def test_what_is_alike(store: SqliteStore, writer: GroupWriter, first: str, second: str, alike: bool) -> None:
    groups = UnansweredRepository(store, writer)
    groups.note(first, "vi", "t", NOW)
    groups.note(second, "vi", "t", NOW)
    assert (groups.list()[1] == 1) is alike


def test_variants_are_bounded_and_nobody_is_named(store: SqliteStore, writer: GroupWriter) -> None:
    groups = UnansweredRepository(store, writer)
    for number in range(9):
        groups.note(f"giao hàng ra côn đảo cho 0912 000 11{number} được không{'!' * number}", "vi", "t", NOW)
    groups.note("gửi báo giá về lan.tran@example.com", "vi", "t", NOW)
    found, total = groups.list()
    assert total == 2
    assert len(found[0].variants) == 5
    assert "0912" not in "".join((found[0].question, *found[0].variants))
    assert found[1].question == "gửi báo giá về …"
    assert groups.note(" ?!\x00 ", "vi", "t", NOW) is None


def test_an_answered_group_opens_again_and_a_dismissed_one_does_not(store: SqliteStore, writer: GroupWriter) -> None:
    groups, faq = UnansweredRepository(store, writer), FaqRepository(store)
    first = groups.note("có gói quà không", "vi", "t", NOW)
    second = groups.note("mấy giờ mở cửa ngày lễ", "vi", "t", NOW)
    assert first is not None
    assert second is not None
    entry = faq.create(questions={"vi": [first.question]}, answers={"vi": "Có ạ"})
    answered = groups.answer(first.id, entry.id)
    assert answered is not None
    assert (answered.status, answered.faq_entry_id) == ("answered", entry.id)
    assert groups.dismiss(second.id) is not None
    assert groups.list()[1] == 0
    assert groups.answer("unq_none", entry.id) is groups.dismiss("unq_none") is None
    assert _reopened(store, writer).get(first.id) == answered
    groups.note("có gói quà không", "vi", "t2", NOW + 5)
    groups.note("mấy giờ mở cửa ngày lễ", "vi", "t2", NOW + 5)
    assert [group.id for group in groups.list()[0]] == [first.id]
    assert [group.occurrences for group in groups.list("dismissed")[0]] == [2]
    faq.delete(entry.id)
    again = _reopened(store, writer).get(first.id)
    assert again is not None
    assert again.faq_entry_id == ""


def test_the_number_of_groups_is_bounded(
    store: SqliteStore, writer: GroupWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_GROUPS", 50)
    groups = UnansweredRepository(store, writer)
    for _ in range(2):
        groups.note("câu hỏi quan trọng", "vi", "t", NOW)
    for number in range(120):
        groups.note(f"từ{number} khác{number} hẳn{number}", "vi", "t", NOW + number)
    found, total = groups.list(limit=1)
    assert total <= 50
    assert found[0].question == "câu hỏi quan trọng"
    assert _reopened(store, writer).list()[1] == total


def test_a_question_is_grouped_quickly_among_thousands(store: SqliteStore, writer: GroupWriter) -> None:
    groups = UnansweredRepository(store, writer)
    for number in range(3000):
        groups.note(f"hàng{number % 97} mẫu{number} màu{number % 13} khi nào về kho", "vi", "t", NOW)
    began = time.perf_counter()
    for number in range(100):
        groups.note(f"hàng{number % 97} mẫu{number} màu{number % 13} chừng nào về", "vi", "t", NOW)
    assert (time.perf_counter() - began) / 100 < 0.01


def _reopened(store: SqliteStore, writer: GroupWriter) -> UnansweredRepository:
    writer.flush()
    return UnansweredRepository(store, writer)


def test_a_hostile_text_costs_little(store: SqliteStore, writer: GroupWriter) -> None:
    groups = UnansweredRepository(store, writer)
    began = time.perf_counter()
    for number in range(200):
        groups.note("!".join(f"abcd{chr(97 + (number + place) % 26)}" for place in range(4000)), "vi", "t", NOW)
        groups.note(" ".join(f"abcd{chr(97 + (number * place) % 26)}" for place in range(4000)), "vi", "t", NOW)
    assert (time.perf_counter() - began) / 400 < 0.02
