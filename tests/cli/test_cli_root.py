"""The root command: quick help, near names, exit codes, one JSON value, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from appliance.cli import failures, output
from appliance.cli.root import _COMMANDS, root
from appliance.cli.session import Session
from appliance.errors import ApplianceError, InvalidInput
from appliance.ops.importing.faults import FileFault

HEAVY = {"litestar", "duckdb", "numpy", "scipy", "sqlite_utils", "httpx", "uvicorn", "rich", "structlog", "huey"}


def _modules(*arguments: str) -> set[str]:
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['appliance', *{arguments!r}]\n"
        "try:\n    runpy.run_module('appliance', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("import", "products", "--help"), ("serve", "--help")]
)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert _modules(*arguments) & HEAVY == set()


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_every_command_has_help(name: str) -> None:
    answer = CliRunner().invoke(root, [name, "--help"], obj=Session())
    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_an_unknown_command_names_the_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.guarded(root, ["serch", "balo"], Session()) == 2
    assert "search" in capsys.readouterr().err


def _ending_in(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(data_dir=tmp_path)


def test_an_error_is_one_sentence_a_hint_and_an_exit_code(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    error = InvalidInput("The price is wrong.", hint="Write 5.", fields=(("price", "not a number"),))
    assert failures.guarded(_ending_in(error), [], session) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["Error: The price is wrong.", "  price: not a number", "Write 5."]


def test_an_error_with_json_is_one_value_on_stdout(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.as_json = True
    assert failures.guarded(_ending_in(ApplianceError("No.", hint="Try later.")), [], session) == 1
    told = capsys.readouterr()
    expected = {"code": "internal", "message": "No.", "hint": "Try later.", "fields": []}
    assert json.loads(told.out) == {"error": expected}
    assert "No." in told.err


def test_errors_speak_the_shops_language(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    (session.data_dir / "appliance.toml").write_text('[shop]\nlocale = "vi"\n')
    assert failures.guarded(_ending_in(FileFault("empty", file="a.csv")), [], session) == 2
    assert capsys.readouterr().err.startswith("Lỗi: Tệp a.csv trống.")


def test_the_terminals_language_counts_where_nobody_set_one(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "vi_VN.UTF-8")
    spoken = [session.locale]
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert [*spoken, session.locale] == ["vi", "en"]


def test_a_defect_leaves_its_trace_in_a_file(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.guarded(_ending_in(ZeroDivisionError("secret detail")), [], session) == 1
    told = capsys.readouterr()
    path = session.data_dir / failures.ERROR_LOG
    assert str(path) in told.err
    assert "Traceback" not in told.err
    assert "secret detail" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_interruption_has_its_own_exit_code(session: Session) -> None:
    assert failures.guarded(_ending_in(KeyboardInterrupt()), [], session) == failures.INTERRUPTED


def test_text_from_data_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(["a", "b"], [["\x1b]0;owned\x07", "[red]x[/x]"]])
    output.print_line("tab\x1b[2Jle")
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "[red]x[/x]" in told


def test_the_data_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    session = Session(data_dir=tmp_path / "deep" / "shop")
    assert session.prepare().stat().st_mode & 0o777 == 0o700


def test_a_data_directory_that_cannot_be_made_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["--data", str(tmp_path / "file" / "shop"), "settings", "set", "shop.name", "X"]
    assert failures.guarded(root, arguments, Session()) == 1
    assert "--data" in capsys.readouterr().err
