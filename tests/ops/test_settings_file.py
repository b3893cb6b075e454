"""Writing ``appliance.toml``: nothing lost, nothing half, and no value that the next start refuses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from appliance.errors import InvalidSetting
from appliance.ops.settings_file import write_settings
from appliance.settings import load_settings


def test_comments_and_other_settings_stay(tmp_path: Path) -> None:
    (tmp_path / "appliance.toml").write_text("# ours\n[shop]\nname = 'A' # the name\n")
    write_settings(tmp_path, {"shop.name": "B", "server.origins": ("https://shop.vn",)})
    written = (tmp_path / "appliance.toml").read_text()
    assert "# ours" in written
    assert "# the name" in written
    loaded = load_settings(tmp_path, environ={}).settings
    assert (loaded.shop.name, loaded.server.origins) == ("B", ("https://shop.vn",))
    assert [path.name for path in tmp_path.iterdir()] == ["appliance.toml"]
    assert (tmp_path / "appliance.toml").stat().st_mode & 0o777 == 0o600


def test_edits_at_once_are_all_kept(tmp_path: Path) -> None:
    keys = [f"weights.{name}" for name in ("view", "click", "wishlist", "add_to_cart", "purchase", "search", "refund")]
    keys += ["ingest.max_pending", "ingest.max_unmerged", "ingest.commit_batch", "ingest.merge_batch"]
    together = threading.Barrier(len(keys))

    def edit(key: str) -> None:
        together.wait(20)
        write_settings(tmp_path, {key: 7})

    threads = [threading.Thread(target=edit, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    origins = load_settings(tmp_path, environ={}).origins
    assert [key for key in keys if origins[key].kind != "file"] == []


def test_nothing_is_written_unless_all_is_right(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting) as refused:
        write_settings(tmp_path, {"shop.name": "B", "server.port": 99999, "shop.magic": 1})
    assert [field for field, _ in refused.value.fields] == ["server.port", "shop.magic"]
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path, {"shop.name": "A"})

    def fail(_: Path, target: Path) -> Path:
        raise OSError(28, f"no space for {target}")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_settings(tmp_path, {"shop.name": "B"})
    assert [path.name for path in tmp_path.iterdir()] == ["appliance.toml"]
    assert load_settings(tmp_path, environ={}).settings.shop.name == "A"


@pytest.mark.parametrize("text", ["[server\nport =", "shop = 1\n", "[shop]\nname='A'\n[server]\n[shop]\n", "\x00"])
def test_a_broken_file_is_named_and_left(tmp_path: Path, text: str) -> None:
    file = tmp_path / "appliance.toml"
    file.write_text(text)
    with pytest.raises(InvalidSetting, match=r"appliance\.toml"):
        write_settings(tmp_path, {"server.port": 9000})
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("shop.timezone", "Asia/Hanoi", "time zone"),
        ("shop.timezone", "../etc/passwd", "time zone"),
        ("shop.timezone", "", "time zone"),
        ("server.host", "", "host name"),
        ("server.host", "http://0.0.0.0", "host name"),
        ("server.host", "1.2.3.999", "host name"),
        ("server.host", "[::1]", "host name"),
        ("server.origins", ["*"], "origin"),
        ("server.origins", ["shop.vn"], "origin"),
        ("server.origins", ["https://shop.vn/cart"], "origin"),
        ("server.origins", ["https://Shop.vn"], "origin"),
        ("server.origins", ["https://shop.vn:99999"], "origin"),
        ("server.allowed_hosts", ["*.shop.vn"], "host name"),
        ("server.allowed_hosts", ["shop.vn:8000"], "host name"),
    ],
)
def test_what_the_next_start_would_refuse_is_refused_now(tmp_path: Path, key: str, value: object, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said) as refused:
        write_settings(tmp_path, {key: value})
    assert key in refused.value.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shop.timezone", "Europe/London"),
        ("server.host", "::"),
        ("server.host", "box.local"),
        ("server.origins", ["https://shop.vn", "http://localhost:3000", "http://[::1]:5173", "capacitor://localhost"]),
        ("server.allowed_hosts", ["shop.vn", "my_box", "192.168.1.20"]),
    ],
)
def test_what_is_right_is_taken(tmp_path: Path, key: str, value: object) -> None:
    write_settings(tmp_path, {key: value})
    assert load_settings(tmp_path, environ={}).origins[key].kind == "file"
