"""How a command ends: the exit code, one sentence on stderr, and never a traceback on the screen."""

from __future__ import annotations

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import click

from appliance import __version__
from appliance.cli import output
from appliance.cli.session import Session
from appliance.errors import ApplianceError, InvalidInput
from appliance.messages import Locale, translate

ERROR_LOG = "errors.log"
INTERRUPTED = 130
_USAGE = 2


@runtime_checkable
class Localised(Protocol):
    """An error that can say itself in the reader's language."""

    def localised(self, locale: Locale) -> tuple[str, str]:
        """Return the sentence and the next step."""
        ...


def guarded(command: click.Command, arguments: list[str], session: Session) -> int:
    """Run a command and return its exit code, whatever happens in it."""
    try:
        result = command.main(args=arguments, prog_name="appliance", obj=session, standalone_mode=False)
    except click.ClickException as error:
        return _usage(error, session)
    except (click.Abort, KeyboardInterrupt):
        output.say(translate("cli.interrupted", session.locale))
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout went away, as `head` does; writing the rest at exit would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except ApplianceError as error:
        return _known(error, session)
    except Exception:  # noqa: BLE001  the edge: a person gets a sentence, the trace goes to a file
        return _unexpected(session)
    return result if isinstance(result, int) else 0


def _usage(error: click.ClickException, session: Session) -> int:
    error.show()
    if session.as_json:
        output.print_json({"error": {"code": "usage", "message": error.format_message(), "hint": "", "fields": []}})
    return error.exit_code or _USAGE


def _known(error: ApplianceError, session: Session) -> int:
    message, hint = error.message, error.hint
    if isinstance(error, Localised):
        message, hint = error.localised(session.locale)
    fields = error.fields if isinstance(error, InvalidInput) else ()
    say_error(message, "", session.locale)
    for path, reason in fields:
        output.say(f"  {output.safe(path)}: {output.safe(reason)}")
    if hint:
        output.say(output.safe(hint))
    if session.as_json:
        listed = [{"field": path, "message": reason} for path, reason in fields]
        output.print_json({"error": {"code": error.code, "message": message, "hint": hint, "fields": listed}})
    return error.exit_code


def say_error(message: str, hint: str, locale: Locale) -> None:
    """Tell a person what is wrong and, where known, the next step."""
    output.say(translate("cli.error", locale, message=output.safe(message)), style="bold red")
    if hint:
        output.say(output.safe(hint))


def _unexpected(session: Session) -> int:
    path = _keep_trace(session.data_dir, traceback.format_exc())
    message = translate("cli.crash", session.locale, path=path)
    output.say(message, style="bold red")
    if session.as_json:
        output.print_json({"error": {"code": "internal", "message": message, "hint": "", "fields": []}})
    return 1


def _keep_trace(data_dir: Path, trace: str) -> Path:
    """Append to the error log of the data directory, or to one in the temporary folder where that fails."""
    entry = f"{datetime.now(UTC).isoformat(timespec='seconds')} appliance {__version__}\n{trace}\n"
    for folder in (data_dir, Path(tempfile.gettempdir())):
        try:
            path = folder / ERROR_LOG
            path.touch(mode=0o600, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(entry)
        except OSError:
            continue
        return path
    return Path(os.devnull)
