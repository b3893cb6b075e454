"""The script that turns published development sets into import files, on miniatures of their layouts."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "devdata.py"


@pytest.fixture(scope="module")
def devdata() -> ModuleType:
    spec = importlib.util.spec_from_file_location("devdata", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def _read(folder: Path) -> tuple[list[dict[str, object]], list[dict[str, str]]]:
    products = [json.loads(line) for line in (folder / "products.jsonl").read_text(encoding="utf-8").splitlines()]
    with (folder / "interactions.csv").open(encoding="utf-8", newline="") as file:
        return products, list(csv.DictReader(file))


def test_sequences_keep_their_order(devdata: ModuleType, tmp_path: Path) -> None:
    _write(tmp_path / "in/amazon_toys/sequences.txt.gz", "u1 10 11\nu2 11\n")
    _write(tmp_path / "in/amazon_toys/item_attributes.json.gz", '{"10": [1, 2], "11": [2]}')
    assert devdata.convert(tmp_path / "in", tmp_path / "out") == ["amazon_toys"]
    products, events = _read(tmp_path / "out/amazon_toys")
    assert products[0] == {"id": "10", "title": "Toy 10", "categories": ["attribute 1"], "tags": ["attribute 2"]}
    assert [(event["user_id"], event["product_id"]) for event in events] == [("u1", "10"), ("u1", "11"), ("u2", "11")]
    assert events[0]["occurred_at"] < events[1]["occurred_at"]


def test_titles_categories_and_sessions(devdata: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "in/bundle_food"
    _write(folder / "item_titles.csv.gz", 'item ID,titles\n7,"Tea, Red &amp; White"\n8,\n')
    _write(folder / "item_categories.csv.gz", 'item ID,categories\n7,"[[Food,Coffee, Tea & Cocoa,Tea]]"\n')
    _write(folder / "user_session.csv.gz", "user ID,session ID,timestamp\n3,s1,1392249600\n")
    _write(folder / "session_item.csv.gz", "session ID,item ID\ns1,7\nunknown,9\n")
    devdata.convert(tmp_path / "in", tmp_path / "out")
    products, events = _read(tmp_path / "out/bundle_food")
    assert products[0] == {
        "id": "7",
        "title": "Tea, Red & White",
        "categories": ["Food > Coffee, Tea & Cocoa > Tea"],
    }
    assert [product["title"] for product in products[1:]] == ["Item 8", "Item 9"]
    assert events == [
        {
            "user_id": "3",
            "session_id": "s1",
            "product_id": "7",
            "interaction_type": "purchase",
            "occurred_at": "2014-02-13T00:00:00Z",
        }
    ]


def test_click_sessions(devdata: ModuleType, tmp_path: Path) -> None:
    _write(tmp_path / "in/yoochoose_100k/train_full.tsv.gz", "SessionId\tItemId\tTime\n3\t21\t1396437466.94\n")
    devdata.convert(tmp_path / "in", tmp_path / "out")
    products, events = _read(tmp_path / "out/yoochoose_100k")
    assert products == [{"id": "21", "title": "Item 21"}]
    assert (events[0]["session_id"], events[0]["interaction_type"]) == ("3", "view")


def test_a_folder_without_sets_is_said_so(devdata: ModuleType, tmp_path: Path) -> None:
    assert devdata.convert(tmp_path, tmp_path / "out") == []
