"""The owner's answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import Conflict, InvalidInput
from appliance.store.faq import MAX_ANSWER, FaqEntry, FaqRepository
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


def test_entries_are_kept_replaced_and_deleted(store: SqliteStore) -> None:
    times = iter(range(100))
    faq = FaqRepository(store, now=lambda: float(next(times)))
    fee = faq.create(intent="shipping_fee", answers={"vi": "30.000đ", "en": "30,000₫"})
    free = faq.create(
        questions={"vi": ["Shop có xuất khẩu không?", "Shop có xuất khẩu không?", " "], "en": ["Do you export?"]},
        answers={"vi": " Có\x00 "},
    )
    assert free.questions == {"vi": ("Shop có xuất khẩu không?",), "en": ("Do you export?",)}
    assert free.answers == {"vi": "Có\ufffd"}
    seen, revision = faq.entries(), faq.revision
    changed = faq.replace(fee.id, intent="shipping_fee", answers={"vi": "miễn phí"}, enabled=False)
    assert changed is not None
    assert (changed.created_at, changed.updated_at) == (0.0, 2.0)
    assert faq.revision > revision
    assert seen[0] == fee
    for repository in (faq, FaqRepository(store)):
        assert repository.entries() == (changed, free)
    assert faq.replace("faq_none", answers={"vi": "a"}) is None
    assert faq.delete(free.id)
    assert not faq.delete(free.id)
    assert FaqRepository(store).entries() == faq.entries() == (changed,)


def test_an_intent_has_one_answer_of_its_own(store: SqliteStore) -> None:
    faq = FaqRepository(store)
    faq.create(intent="shipping_fee", answers={"vi": "a"})
    with pytest.raises(Conflict):
        faq.create(intent="shipping_fee", answers={"vi": "b"})
    faq.create(intent="shipping_fee", answers={"vi": "b"}, questions={"vi": ["ship ra đảo"]})
    spare = faq.create(intent="shipping_fee", answers={"vi": "c"}, enabled=False)
    with pytest.raises(Conflict):
        faq.replace(spare.id, intent="shipping_fee", answers={"vi": "c"})
    assert len(faq.entries()) == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"answers": {}, "intent": "warranty"}, "answers"),
        ({"answers": {"vi": "  "}, "intent": "warranty"}, "answers"),
        ({"answers": {"fr": "x"}, "intent": "warranty"}, "answers"),
        ({"answers": {"vi": "x"}}, "questions"),
        ({"answers": {"vi": "x"}, "intent": "DROP TABLE"}, "intent"),
        ({"answers": {"vi": "x" * (MAX_ANSWER + 1)}, "intent": "warranty"}, "answers"),
        ({"answers": {"vi": "x"}, "questions": {"vi": ["x" * 301]}}, "questions"),
        ({"answers": {"vi": "x"}, "questions": {"vi": [f"q{n}" for n in range(51)]}}, "questions"),
    ],
)
def test_what_cannot_be_an_entry_is_refused(store: SqliteStore, values: dict[str, object], field: str) -> None:
    faq = FaqRepository(store)
    with pytest.raises(InvalidInput) as caught:
        faq.create(**values)  # type: ignore[arg-type]
    assert caught.value.fields[0][0] == field
    assert faq.entries() == ()


def test_a_file_imported_twice_changes_nothing(store: SqliteStore) -> None:
    faq = FaqRepository(store)
    rows = [
        FaqEntry(id="", intent="warranty", answers={"vi": "12 tháng"}),
        FaqEntry(id="", questions={"vi": ("Có chỗ đậu xe không",)}, answers={"vi": "Có"}),
        FaqEntry(id="", intent="warranty", answers={"fr": "x"}),
    ]
    first = faq.upsert_many(rows)
    assert (first.inserted, first.updated, first.unchanged, len(first.refused)) == (2, 0, 0, 1)
    assert first.refused[0][:2] == (2, "answers")
    revision = faq.revision
    again = faq.upsert_many(rows)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 2)
    assert faq.revision == revision
    owned = faq.entries()[0]
    faq.replace(owned.id, intent="warranty", answers=owned.answers, questions={"vi": ["hư có sửa không"]})
    changed = faq.upsert_many([FaqEntry(id="", intent="warranty", answers={"vi": "24 tháng"})])
    assert changed.updated == 1
    entry = faq.get(owned.id)
    assert entry is not None
    assert (entry.answers, entry.questions) == ({"vi": "24 tháng"}, {"vi": ("hư có sửa không",)})


def test_entries_of_the_first_schema_are_carried_over(tmp_path: Path) -> None:
    old = SqliteStore(tmp_path / "old.db", MIGRATIONS[:3])
    with old.write() as db:
        db.execute("insert into faq_entries values ('f1', 'warranty', 1, 1.0, 2.0)")
        db.execute("insert into faq_texts values ('f1', 'vi', 'bảo hành sao', '12 tháng')")
        db.execute("insert into faq_texts values ('f1', 'en', '', '12 months')")
    old.close()
    new = SqliteStore(tmp_path / "old.db", MIGRATIONS)
    assert FaqRepository(new).entries() == (
        FaqEntry(
            id="f1",
            intent="warranty",
            questions={"vi": ("bảo hành sao",)},
            answers={"vi": "12 tháng", "en": "12 months"},
            created_at=1.0,
            updated_at=2.0,
        ),
    )
    new.close()
