"""The one tree of errors: each has a stable code, an HTTP status and a hint that tells the next step.

The server turns any of these into problem+json, the command line into one sentence on stderr; both key off ``code``,
never off the English text.
"""

from __future__ import annotations


class ApplianceError(Exception):
    """Base of every error that a person may see."""

    code = "internal"
    status = 500
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(ApplianceError):
    """What was sent cannot be used; ``fields`` names each fault as (path, what is wrong)."""

    code = "invalid_input"
    status = 400
    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", fields: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.fields = fields


class InvalidSetting(InvalidInput):
    """A setting is unknown or has a wrong value; the message names the key and where it came from."""

    code = "invalid_setting"


class UnusableFile(InvalidInput):
    """A file as a whole cannot be imported (binary, empty, a column is missing); nothing was written."""

    code = "unusable_file"


class Unauthorised(ApplianceError):
    """The caller did not prove who it is."""

    code = "unauthorised"
    status = 401


class Forbidden(ApplianceError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


class NotFound(ApplianceError):
    """The thing asked for does not exist."""

    code = "not_found"
    status = 404


class Conflict(ApplianceError):
    """The request contradicts the present state, for example an appliance that is already claimed."""

    code = "conflict"
    status = 409


class RateLimited(ApplianceError):
    """One client sends too much; ``retry_after`` is in seconds."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str, *, retry_after: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Unavailable(ApplianceError):
    """A part is busy, starting or switched off; ``retry_after`` is in seconds."""

    code = "unavailable"
    status = 503

    def __init__(self, message: str, *, retry_after: float = 1.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Busy(Unavailable):
    """Back-pressure: more work waits than may wait. Nothing of the request was kept."""

    code = "busy"


class DiskFull(ApplianceError):
    """The disk has no room left; nothing of the request was kept."""

    code = "disk_full"
    status = 507


class StoreError(ApplianceError):
    """A store cannot be opened or used."""

    code = "store_error"
    status = 503


class NewerStore(StoreError):
    """The store was written by a newer version of the appliance and is left untouched."""

    code = "newer_store"


class StoreDamaged(StoreError):
    """A store failed its integrity check."""

    code = "store_damaged"


class AlreadyRunning(ApplianceError):
    """Another process owns this data directory."""

    code = "already_running"
    status = 409


class ArtifactInvalid(ApplianceError):
    """A model or index folder is incomplete, altered, or from another version; it is never loaded."""

    code = "artifact_invalid"
    status = 503
