"""``appliance sync outbox`` and ``sync conflicts`` as the owner reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from appliance.cli import failures
from appliance.cli.root import root
from appliance.cli.session import Session
from appliance.messages import LOCALES, catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.outbox import Edit, EditField, EditState, OutboxRepository, add_edits
from appliance.store.sqlite import SqliteStore


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("APPLIANCE_MEDUSA_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("APPLIANCE_MEDUSA_SECRET_KEY", "sk_0123456789")

    def runs(*arguments: str, code: int = 0, locale: str = "en") -> tuple[str, str]:
        monkeypatch.setenv("APPLIANCE_SHOP_LOCALE", locale)
        session = Session(as_json="--json" in arguments)
        assert failures.guarded(root, ["--data", str(tmp_path), *arguments], session) == code
        told = capsys.readouterr()
        return told.out, told.err

    return runs


@pytest.mark.parametrize("locale", LOCALES)
def test_every_field_and_state_has_words(locale: Any) -> None:
    known = catalogue(locale)
    assert {f"edit.field.{name}" for name in get_args(EditField)} <= known.keys()
    assert {f"edit.state.{name}" for name in get_args(EditState)} <= known.keys()
    for code in ("medusa_conflicts", "medusa_edits_refused", "medusa_edits_lost", "medusa_edits_stuck"):
        assert {f"issue.{code}", f"issue.{code}.fix"} <= known.keys()


def test_changes_are_listed_and_a_conflict_is_decided(run: Any, tmp_path: Path) -> None:
    assert "No change needs a decision." in run("sync", "conflicts")[1]
    assert "There are no such changes." in run("sync", "outbox")[1]
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    edits = [
        Edit(id="e1", field="title", product_id="prod_1", base="Cũ", value="Ở đây"),
        Edit(id="e2", field="price", product_id="prod_1", variant_id="v", part="VND", base="1000", value="2000"),
        Edit(id="e3", field="description", product_id="prod_1", base="x", value="mô tả " * 40),
    ]
    with store.write() as db:
        add_edits(db, edits, 1_790_000_000.0)
    outbox = OutboxRepository(store)
    outbox.settle("e1", "conflict", "", theirs="Bên kia")
    outbox.settle("e2", "refused", "", error="Medusa refused a request (400): no such currency")
    store.close()
    shown = run("sync", "conflicts")[0]
    assert all(word in shown for word in ("e1", "Ở đây", "Bên kia", "conflict", "e2", "no such currency"))
    assert "e3" not in shown
    waiting = run("sync", "outbox", "--state", "waiting", locale="vi")[0]
    assert "đang chờ" in waiting
    assert "…" in waiting
    assert "e1" not in waiting
    assert "What Medusa has is kept" in run("sync", "conflicts", "--keep", "medusa", "e1")[1]
    assert "Đang gửi lại" in run("sync", "conflicts", "--keep", "here", "e2", locale="vi")[1]
    listed = json.loads(run("sync", "outbox", "--json")[0])["items"]
    assert {(item["id"], item["state"], item["outcome"]) for item in listed} == {
        ("e1", "dropped", "medusa"),
        ("e2", "waiting", "here"),
        ("e3", "waiting", ""),
    }
    run("sync", "conflicts", "--keep", "here", "e1", code=1)
    run("sync", "conflicts", "--keep", "here", code=2)
    run("sync", "conflicts", "none", "--keep", "here", code=2)
