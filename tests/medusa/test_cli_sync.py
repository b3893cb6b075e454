"""``appliance sync``: against a Medusa that answers, one that does not, and none at all, in both languages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_medusa import KEY, FakeMedusa, running
from fake_rows import fill, product
from served_shop import SECRET, serving
from synced_shop import copied

from appliance.cli import failures
from appliance.cli.root import root
from appliance.cli.session import Session

Run = Callable[..., tuple[str, str]]


@pytest.fixture
def data(tmp_path: Path, empty_data: Path) -> Path:
    return copied(empty_data, tmp_path / "data")


@pytest.fixture
def there() -> Iterator[FakeMedusa]:
    """A Medusa by the wall clock, as commands go by it."""
    with running(time.time) as shop:
        fill(shop)
        yield shop


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def runs(*arguments: str, code: int = 0, locale: str = "en", url: str = "") -> tuple[str, str]:
        monkeypatch.setenv("APPLIANCE_SHOP_LOCALE", locale)
        if url:
            monkeypatch.setenv("APPLIANCE_MEDUSA_URL", url)
            monkeypatch.setenv("APPLIANCE_MEDUSA_SECRET_KEY", KEY)
            monkeypatch.setenv("APPLIANCE_MEDUSA_WEBHOOK_SECRET", SECRET)
        found = failures.guarded(
            root, ["--data", str(data), "sync", *arguments], Session(as_json="--json" in arguments)
        )
        told = capsys.readouterr()
        assert found == code, told.err
        assert KEY not in told.out + told.err and SECRET not in told.out + told.err
        return told.out, told.err

    return runs


def test_a_shop_is_copied_and_tells_of_it(run: Run, there: FakeMedusa) -> None:
    there.put("products", product("prod 77"))
    assert "Connected to Cửa hàng thử" in run("test", url=there.url)[0]
    assert "Đã kết nối với Cửa hàng thử" in run("test", url=there.url, locale="vi")[0]
    out, err = run("now", "--full", url=there.url)
    assert "product" in out and "In step with Medusa" in err and "Left out: prod 77" in err
    assert json.loads(run("now", "--json", url=there.url)[0])["result"]["mode"] == "now"
    told = run("status", url=there.url, locale="vi")[0]
    assert "Chưa hỏi Medusa lần nào." in told and "số bản ghi" in told
    status = json.loads(run("status", "--json", url=there.url)[0])
    assert (status["url"], status["mirrored"]["product"], status["copying"]) == (there.url, 4, False)


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en", "The Medusa server is not running"), ("vi", "Máy chủ Medusa chưa chạy")],
)
def test_a_medusa_that_is_away_is_told_in_the_readers_language(
    run: Run, there: FakeMedusa, locale: str, words: str
) -> None:
    there.close()
    for command in ("test", "now"):
        assert words in run(command, code=1, locale=locale, url=there.url)[1]
    told = json.loads(run("test", "--json", code=1, locale=locale, url=there.url)[0])
    assert (told["ok"], told["code"]) == (False, "medusa_unreachable") and told["message"].startswith(words)
    job = json.loads(run("now", "--json", code=1, locale=locale, url=there.url)[0])
    assert job["result"]["reason"] == "refused"


def test_what_is_no_medusa_is_told(run: Run, there: FakeMedusa) -> None:
    there.logins = (404, b"<html>")
    assert "no Medusa 2" in run("test", code=1, url=there.url)[1]
    assert "không phải Medusa" in run("now", code=1, locale="vi", url=there.url)[1]


@pytest.mark.parametrize(("locale", "words"), [("en", "No Medusa"), ("vi", "Chưa kết nối máy chủ Medusa")])
def test_without_a_medusa_every_command_says_so(run: Run, locale: str, words: str) -> None:
    assert words in run("status", locale=locale)[0]
    assert json.loads(run("status", "--json", locale=locale)[0])["connection"]["state"] == "off"
    for command in ("test", "now"):
        assert "medusa.url" in run(command, code=2, locale=locale)[1]


def test_a_running_process_answers_in_the_same_words(run: Run, data: Path, there: FakeMedusa) -> None:
    with serving(data, there):
        assert "In step with Medusa" in run("now")[1]
        told = run("status")[0]
        assert f"Medusa {there.url}: Medusa answers." in told
        assert "Connected to" in run("test")[0]
        there.close()
        assert "Máy chủ Medusa chưa chạy" in run("test", code=1, locale="vi")[1]
