"""``settings show`` and ``settings set`` without a running process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli import failures
from appliance.cli.root import root
from appliance.cli.session import Session
from appliance.cli.settings import field_meanings
from appliance.settings import Settings, flatten


def _run(data: Path, *arguments: str) -> int:
    return failures.guarded(root, ["--data", str(data), *arguments], Session(as_json="--json" in arguments))


def test_show_says_where_each_value_came_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "appliance.toml").write_text("[server]\nport = 9000\n")
    monkeypatch.setenv("APPLIANCE_SERVER_HOST", "0.0.0.0")
    assert _run(tmp_path, "settings", "show", "--json") == 0
    shown = {entry["key"]: entry for entry in json.loads(capsys.readouterr().out)["settings"]}
    assert list(shown) == [key for key, _ in flatten(Settings())]
    assert (shown["server.port"]["value"], shown["server.port"]["origin"]) == (9000, "file")
    assert (shown["server.host"]["origin"], shown["server.host"]["origin_name"]) == (
        "environment",
        "APPLIANCE_SERVER_HOST",
    )
    assert shown["shop.name"]["origin"] == "default"
    assert shown["server.port"]["meaning"].startswith("0 lets the system choose")


def test_show_for_people_lists_what_begins_with_a_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, "settings", "show", "ingest") == 0
    told = capsys.readouterr().out
    assert "ingest.max_pending" in told
    assert "server.port" not in told


def test_set_writes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, "settings", "set", "server.port", "9001", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "written": ["server.port"],
        "restart_needed": [],
        "overridden": [],
    }
    assert "port = 9001" in (tmp_path / "appliance.toml").read_text()


def test_set_says_when_the_environment_stands_above_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_SERVER_PORT", "7000")
    assert _run(tmp_path, "settings", "set", "server.port", "9001", "--json") == 0
    assert json.loads(capsys.readouterr().out)["overridden"] == ["server.port"]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("server.prot", "1", "server.port"),
        ("server.port", "99999999", "server.port"),
        ("shop.locale", "fr", "shop.locale"),
    ],
)
def test_a_wrong_key_or_value_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, value: str, told: str
) -> None:
    assert _run(tmp_path, "settings", "set", key, value) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "appliance.toml").exists()


def test_a_wrong_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "appliance.toml").write_text("[server]\nprot = 1\n")
    assert _run(tmp_path, "settings", "show") == 2
    told = capsys.readouterr().err
    assert "server.prot" in told
    assert "appliance.toml" in told


def test_meanings_come_from_the_settings_themselves() -> None:
    meanings = field_meanings()
    known = {key for key, _ in flatten(Settings())}
    assert set(meanings) <= known
    assert meanings["server.origins"].startswith("Storefront origins")


def test_show_lists_the_others_when_one_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "appliance.toml").write_text("[server]\nport = 99999\nhost = '0.0.0.0'\n[shop]\nnmae = 'x'\n")
    monkeypatch.setenv("APPLIANCE_SHOP_TIMEZONE", "Nowhere")
    assert _run(tmp_path, "settings", "show") == 2
    told = capsys.readouterr()
    assert "✗ server.port" in told.out
    assert "✗ shop.timezone" in told.out
    assert "✗ server.host" not in told.out
    assert "0.0.0.0" in told.out
    assert all(name in told.err for name in ("server.port", "shop.nmae", "APPLIANCE_SHOP_TIMEZONE"))
    assert _run(tmp_path, "settings", "show", "--json") == 2
    answer = json.loads(capsys.readouterr().out)
    shown = {entry["key"]: entry for entry in answer["settings"]}
    assert list(shown) == [key for key, _ in flatten(Settings())]
    assert (shown["server.port"]["value"], "99999" in shown["server.port"]["error"]) == (8000, True)
    assert len(answer["errors"]) == 3


def test_a_wrong_setting_is_corrected_while_another_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "appliance.toml").write_text("[server]\nport = 99999\nhost = ''\n")
    assert _run(tmp_path, "settings", "set", "server.port", "9000") == 0
    assert _run(tmp_path, "settings", "show") == 2
    assert "✗ server.host" in capsys.readouterr().out
    assert _run(tmp_path, "settings", "set", "server.host", "127.0.0.1") == 0
    assert _run(tmp_path, "settings", "show") == 0
