"""What can be wrong with a file or a row, as message ids that the reader's language fills in."""

from __future__ import annotations

from appliance.errors import UnusableFile
from appliance.messages import Locale, translate
from appliance.text import clean_line

_SHOWN = 80


def shown(value: object) -> str:
    """Return a value from a file as it may stand in a message: one line, cleaned, shortened."""
    text = clean_line(str(value)[: _SHOWN * 4])
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class FileFault(UnusableFile):
    """A file as a whole cannot be imported; the messages are ``import.file.<fault>`` and ``….hint``."""

    def __init__(self, fault: str, /, **values: object) -> None:
        self.fault = fault
        self.values = {key: shown(value) if isinstance(value, str) else value for key, value in values.items()}
        if "file" in values:
            # A path says most at its end, and the person who typed it knows it whole.
            self.values["file"] = clean_line(str(values["file"]))
        message, hint = self.localised("en")
        super().__init__(message, hint=hint)

    def localised(self, locale: Locale) -> tuple[str, str]:
        """Return the sentence and the next step in a language."""
        message_id = f"import.file.{self.fault}"
        return (
            translate(message_id, locale, **self.values),
            translate(f"{message_id}.hint", locale, **self.values),
        )


class RowFault(Exception):
    """One row cannot be used; the message is ``import.row.<code>``.

    ``column`` is the canonical column name, or ``''`` when the row as a whole is at fault.
    """

    def __init__(self, code: str, column: str = "", /, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.column = column
        self.values = {key: value if isinstance(value, int) else shown(value) for key, value in values.items()}

    def text(self, locale: Locale) -> str:
        """Return the reason in a language."""
        return translate(f"import.row.{self.code}", locale, column=self.column, **self.values)
