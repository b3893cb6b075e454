"""What is damaged is off and named; everything else answers, and nothing is deleted silently."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from live_shop import LiveShop, copied, logged_ids

pytestmark = [pytest.mark.server, pytest.mark.slow]

READY_WITHIN = 5.0
"""The promise, in seconds; three times as much is granted to a machine that does other things beside it."""
GARBAGE = b"this is no database\n" * 500


@pytest.fixture
def shop(prepared_shop: Path, tmp_path: Path) -> Path:
    return copied(prepared_shop, tmp_path / "shop")


def _versions(shop: Path, kind: str) -> list[Path]:
    return sorted((shop / "models" / kind).glob("0*"))


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)


def _largest(folder: Path) -> Path:
    return max((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)


def _flip_search(shop: Path) -> Path:
    file = _largest(_versions(shop, "search")[-1])
    _flip(file)
    return file


def _flip_recommender(shop: Path) -> Path:
    file = _largest(_versions(shop, "recommender")[-1])
    _flip(file)
    return file


def _truncate_recommender(shop: Path) -> Path:
    file = _largest(_versions(shop, "recommender")[-1])
    file.write_bytes(file.read_bytes()[:100])
    return file


def _garbage(name: str) -> Callable[[Path], Path]:
    def damage(shop: Path) -> Path:
        file = shop / name
        file.write_bytes(GARBAGE)
        return file

    damage.__name__ = name
    return damage


@pytest.mark.parametrize(
    ("damage", "code", "part", "state"),
    [
        (_flip_search, "search_index_off", "search", "degraded"),
        (_flip_recommender, "recommender_model_off", "recommender", "degraded"),
        (_truncate_recommender, "recommender_model_off", "recommender", "degraded"),
        (_garbage("analytics.duckdb"), "analytics_off", "analytics", "off"),
        (_garbage("jobs.db"), "jobs_off", "jobs", "off"),
        (_garbage("journal.db"), "ingest_off", "ingest", "off"),
    ],
)
def test_a_damaged_file_takes_only_its_part_away(
    shop: Path, damage: Callable[[Path], Path], code: str, part: str, state: str
) -> None:
    file = damage(shop)
    damaged = file.read_bytes()
    with LiveShop(shop) as live:
        readiness = live.readyz()
        assert readiness["parts"][part] == state
        assert code in {issue["code"] for issue in readiness["issues"]}
        assert all(issue["message"] != issue["code"] for issue in readiness["issues"])
        live.assert_shelves_answer()
        _assert_events(live, taken=part != "ingest")
        assert live.stop() == 0
    assert live.ready_after < 3 * READY_WITHIN
    kept = [path.read_bytes() for path in shop.rglob(f"*{file.name}*") if path.is_file()]
    assert damaged in kept


def _assert_events(live: LiveShop, *, taken: bool) -> None:
    answer = live.send("after-damage")
    if taken:
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "Retry-After" in answer.headers


def test_an_older_version_stands_in_for_a_damaged_one(shop: Path) -> None:
    for kind in ("search", "recommender"):
        (version,) = _versions(shop, kind)
        # The digest in the name is the manifest's; the number alone makes it the newer one.
        newer = version.with_name("000002" + version.name[6:])
        shutil.copytree(version, newer)
        (version.parent / "CURRENT").write_text(f"{newer.name}\n")
        _flip(_largest(newer))
    with LiveShop(shop) as live:
        assert live.issue_codes() >= {"search_older_version", "recommender_older_version"}
        assert live.overview()["model"] is not None
        live.assert_shelves_answer()


def test_a_missing_cache_folder_is_made_again(shop: Path) -> None:
    shutil.rmtree(shop / "cache")
    with LiveShop(shop) as live:
        assert live.readyz()["parts"]["cache"] == "ok"
        live.assert_shelves_answer()
        shutil.rmtree(shop / "cache")
        live.assert_shelves_answer()
        for handle in live.handles():  # none of these is in memory yet
            assert live.client.get(f"/v1/products/{handle}/similar?limit=2").json()["items"]
        live.until(lambda: (shop / "cache" / "cache.db").exists(), "a new cache")
        _assert_events(live, taken=True)


def test_a_file_in_the_cache_folders_place_costs_the_disk_cache_alone(shop: Path) -> None:
    shutil.rmtree(shop / "cache")
    (shop / "cache").write_text("not a folder")
    with LiveShop(shop) as live:
        assert "cache_lost" in live.issue_codes()
        live.assert_shelves_answer()
        _assert_events(live, taken=True)
    assert (shop / "cache").read_text() == "not a folder"


def test_a_log_that_another_program_holds_open_is_off_and_events_wait(shop: Path) -> None:
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(shop / "analytics.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        with LiveShop(shop) as live:
            assert live.readyz()["parts"]["analytics"] == "off"
            live.assert_shelves_answer()
            assert live.send("while-held").status_code == 202
            assert live.stop() == 0
    finally:
        holder.stdin.close()
        holder.wait()
    _assert_merged(shop, "while-held")


def test_three_crashed_starts_lead_to_safe_mode_and_a_clean_one_out_of_it(shop: Path) -> None:
    crashing = LiveShop(shop)
    for crashes in range(3):
        crashing.spawn()
        crashing.wait_starting(crashes)
        crashing.kill()
    with LiveShop(shop) as live:
        readiness = live.readyz()
        assert readiness["safe_mode"]
        assert readiness["parts"]["analytics"] == readiness["parts"]["jobs"] == "off"
        assert "safe_mode" in {issue["code"] for issue in readiness["issues"]}
        live.assert_shelves_answer()
        _assert_rules_hold(live)
        assert live.send("in-safe-mode").status_code == 202
        assert live.stop() == 0
    assert live.ready_after < 3 * READY_WITHIN
    with LiveShop(shop) as live:
        assert not live.readyz()["safe_mode"]
    _assert_merged(shop, "in-safe-mode")


def test_a_stop_while_it_starts_is_no_crash(shop: Path) -> None:
    for _ in range(4):
        starting = LiveShop(shop)
        starting.spawn()
        starting.wait_starting(0)
        assert starting.stop() == 0
        assert json.loads((shop / "starts.json").read_text()) == {"phase": "stopped", "crashes": 0}
    assert not (shop / "process.json").exists()


def _assert_rules_hold(live: LiveShop) -> None:
    """Pin a product to the top of the home page and find it there."""
    product = live.client.get(f"/v1/products/{live.handles()[-1]}").json()["id"]
    rule = {"action": "pin", "target": "product", "value": product, "placement": "home"}
    made = live.admin("POST", "/v1/admin/rules", json=rule)
    assert made.status_code == 201, made.text
    answer = live.client.get("/v1/recommendations?session_id=fresh&placement=home&limit=3")
    assert answer.json()["items"][0]["product_id"] == product


def _assert_merged(shop: Path, event_id: str) -> None:
    """Let a sound start merge what waits, and look for an event in the log."""
    with LiveShop(shop) as live:
        live.until(lambda: live.overview()["ingest"]["lag"] == 0, "the merge")
        assert live.stop() == 0
    assert logged_ids(shop).count(event_id) == 1
