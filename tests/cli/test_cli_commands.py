"""The commands against real stores: alone, and beside the running process with the same output."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.ops.process import read_running

PRODUCTS = "".join(
    json.dumps({"id": f"p{number}", "title": title, "price": 100_000 + number, "categories": ["Túi"]}) + "\n"
    for number, title in enumerate(["Balo da nam", "Túi xách nữ", "Túi đeo chéo", "Ví da", "Balo laptop"])
)
INTERACTIONS = "user_id,product_id,interaction_type,occurred_at\n" + "".join(
    f"u{user},p{(user + step) % 5},{'view' if step else 'purchase'},{1711929600 + user * 100 + step}\n"
    for user in range(30)
    for step in range(3)
)


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("APPLIANCE_", "LC_"))}
    return kept | {"LANG": "C.UTF-8", "COLUMNS": "120"}


def _appliance(data: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance", "--data", str(data), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=100, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def _json(data: Path, *arguments: str, code: int = 0) -> Any:
    return json.loads(_appliance(data, *arguments, "--json", code=code).stdout)


@contextlib.contextmanager
def _serving(data: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "appliance", "--data", str(data), "serve", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment())
    try:
        end = time.monotonic() + 60
        while read_running(data) is None:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, out + err


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files")
    products, interactions = folder / "products.jsonl", folder / "interactions.csv"
    products.write_text(PRODUCTS, encoding="utf-8")
    interactions.write_text(INTERACTIONS, encoding="utf-8")
    return products, interactions


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, files: tuple[Path, Path]) -> Path:
    """A data directory that was filled and trained by commands alone."""
    folder = tmp_path_factory.mktemp("shop")
    report = _json(folder, "import", "products", str(files[0]))
    assert (report["accepted"], report["inserted"], report["rejected"]) == (5, 5, 0)
    report = _json(folder, "import", "interactions", str(files[1]))
    assert (report["accepted"], report["parked"]) == (90, 0)
    trained = _json(folder, "train")
    assert (trained["products"], trained["interactions"]) == (5, 90)
    assert set(trained["published"]) == {"recommender", "search"}
    return folder


QUERIES: list[tuple[str, ...]] = [
    ("search", "ba lo da"),
    ("similar", "p0", "--limit", "3"),
    ("popular", "--window", "365d"),
    ("recommend", "--user", "u1", "--limit", "4"),
]


def _stable(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from one call to the next."""
    return {key: value for key, value in answer.items() if key not in ("took_ms", "recommendation_id", "cache")}


@pytest.mark.server
def test_a_command_prints_the_same_alone_and_beside_the_process(data: Path) -> None:
    alone = [_stable(_json(data, *query)) for query in QUERIES]
    assert alone[0]["items"][0]["product_id"] == "p0"
    assert all(answer["items"] for answer in alone)
    with _serving(data):
        beside = [_stable(_json(data, *query)) for query in QUERIES]
    for one, other in zip(alone, beside, strict=True):
        assert [item["product_id"] for item in one["items"]] == [item["product_id"] for item in other["items"]]
        assert one.keys() == other.keys()


@pytest.mark.server
def test_imports_and_training_go_through_the_running_process(tmp_path: Path, files: tuple[Path, Path]) -> None:
    data = tmp_path / "shop"
    data.mkdir()
    with _serving(data):
        first = _json(data, "import", "products", str(files[0]))
        assert (first["accepted"], first["inserted"]) == (5, 5)
        again = _json(data, "import", "products", str(files[0]))
        assert (again["inserted"], again["unchanged"]) == (0, 5)
        assert _json(data, "import", "interactions", str(files[1]))["accepted"] == 90
        assert _json(data, "search", "balo")["total"] == 2
        assert _json(data, "train", "--search-only")["products"] == 5
        assert _json(data, "status")["running"] is True
        made = _json(data, "token", "create", "--kind", "secret", "--name", "web")
        assert made["secret"].startswith("sk_")
        assert [one["name"] for one in _json(data, "token", "list")["items"]] == ["web"]
        assert _json(data, "settings", "set", "shop.name", "Quán")["restart_needed"] == ["shop.name"]
        shown = {one["key"]: one for one in _json(data, "settings", "show")["settings"]}
        assert (shown["server.port"]["value"], shown["server.port"]["origin"]) == (0, "flag")
        refused = _json(data, "serve", code=1)
        assert refused["error"]["code"] == "already_running"
    assert read_running(data) is None
    status = _json(data, "status")
    assert (status["running"], status["shop"], status["catalogue"]["published"]) == (False, "Quán", 5)


def test_importing_twice_counts_once(data: Path, files: tuple[Path, Path]) -> None:
    before = _json(data, "status")["ingest"]["logged"]
    _json(data, "import", "interactions", str(files[1]))
    assert _json(data, "status")["ingest"]["logged"] == before == 90


def test_a_wrong_file_is_a_sentence_and_an_exit_code(data: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(bytes(range(256)) * 20)
    before = _json(data, "status")["catalogue"]
    done = _appliance(data, "import", "products", str(wrong), code=2)
    assert done.stdout == ""
    assert "binary" in done.stderr
    assert _json(data, "import", "products", str(wrong), code=2)["error"]["code"] == "unusable_file"
    assert _json(data, "status")["catalogue"] == before


def test_people_get_tables_and_sentences(data: Path) -> None:
    assert "Balo da nam" in _appliance(data, "search", "balo").stdout
    assert "p1" in _appliance(data, "similar", "p0").stdout
    assert "Nothing found" in _appliance(data, "search", "zzzzqqqq", "--category", "").stderr
    assert "5 products" in _appliance(data, "status").stdout
    assert "no such product" in _appliance(data, "similar", "nothing", code=2).stderr.lower()


def test_tokens_without_a_process(data: Path) -> None:
    made = _json(data, "token", "create", "--name", "console")
    assert made["secret"].startswith("adm_")
    listed = {one["id"]: one for one in _json(data, "token", "list")["items"]}
    assert listed[made["id"]]["name"] == "console"
    assert "secret" not in listed[made["id"]]
    assert _json(data, "token", "revoke", made["id"]) == {"revoked": made["id"]}
    assert made["id"] not in {one["id"] for one in _json(data, "token", "list")["items"]}
    assert _json(data, "token", "revoke", made["id"], code=2)["error"]["code"] == "not_found"


def test_a_log_without_a_catalogue_can_be_tried(tmp_path: Path) -> None:
    log = tmp_path / "sequences.txt"
    log.write_text("".join(f"{user} {user % 7 + 100} {user % 5 + 200} {user % 3 + 300}\n" for user in range(60)))
    data = tmp_path / "shop"
    report = _json(data, "import", "interactions", str(log), "--create-products")
    assert (report["layout"], report["accepted"], report["created_products"]) == ("sequences", 180, 15)
    assert _json(data, "train")["interactions"] == 180
    assert _json(data, "recommend", "--user", "1", "--limit", "3")["items"]


def test_demo_prepares_a_shop_once(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    arguments = ("demo", "--prepare-only", "--products", "40", "--events", "800")
    prepared = _json(data, *arguments)
    assert (prepared["products"], prepared["interactions"], len(prepared["handles"])) == (40, 800, 40)
    assert _json(data, *arguments) == prepared
    assert _json(data, "similar", prepared["handles"][0])["items"]
    number, phone = prepared["order"]
    assert f"DEMO{number}" in _json(data, "chat", f"don {number} toi dau roi, sdt {phone}")["reply"]
    assert "15 days" in _json(data, "chat", "can I return shoes that are too small?")["reply"]


def test_demo_does_not_fill_a_shop_that_is_there(data: Path) -> None:
    assert _json(data, "demo", "--prepare-only", code=1)["error"]["code"] == "conflict"


@pytest.mark.server
def test_demo_says_what_to_try_and_removes_its_directory(tmp_path: Path) -> None:
    environment = _environment() | {"TMPDIR": str(tmp_path), "APPLIANCE_DATA": str(tmp_path / "real")}
    command = [sys.executable, "-m", "appliance", "demo", "--port", "0", "--products", "30", "--events", "500"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    told: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        told.append(line)
        if "/demo/" in line and "curl" in "".join(told):
            break
    assert sum("curl " in line for line in told) == 6
    assert sum(" chat " in line for line in told) == 2 and "/v1/chat" in "".join(told)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
