"""The box's own secrets, in ``keys.json`` beside the stores: mode 0600, made once, never sent anywhere."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import msgspec

from appliance.errors import StoreError
from appliance.settings import Secret

FILE_NAME = "keys.json"
_KEY_BYTES = 32


class _KeyFile(msgspec.Struct, omit_defaults=True):
    """The file as it lies on disk: hexadecimal keys; one that is missing is made on the next start."""

    customer_token_secret: str = ""
    pseudonym_key: str = ""
    claim_key: str = ""


class Keys:
    """The secrets of one appliance."""

    __slots__ = ("_pseudonym", "claim_key", "customer_token_secret")

    def __init__(self, customer_token_secret: str, pseudonym_key: str, claim_key: str) -> None:
        self.customer_token_secret = Secret(customer_token_secret)
        """The text with which the storefront's server signs customer tokens (HS256 over its UTF-8 bytes)."""
        self.claim_key = Secret(claim_key)
        """From which the claim code is derived, so that a restart of an unclaimed box shows the same code."""
        self._pseudonym = pseudonym_key.encode()

    def pseudonym(self, *parts: str) -> str:
        """Return the stable pseudonym of some ids (BLAKE2b as a keyed MAC, 128 bits, hexadecimal).

        Each part is preceded by its length, so that different splits of the same letters never meet.
        """
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._pseudonym).hexdigest()


def load_keys(data_dir: Path) -> Keys:
    """Read the keys of a data directory, making those that are missing.

    Raises ``StoreError`` when the file is there and cannot be read: new keys would orphan every signed token and
    every pseudonym, so a person has to decide.
    """
    path = data_dir / FILE_NAME
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except FileNotFoundError:
        kept = _KeyFile()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}.",
            hint="Restore it from a backup; or remove it to make new keys, and give the storefront the new one.",
        ) from error
    fresh = {name: secrets.token_hex(_KEY_BYTES) for name in _KeyFile.__struct_fields__ if not getattr(kept, name)}
    if fresh:
        kept = msgspec.structs.replace(kept, **fresh)
        _write(path, msgspec.json.format(msgspec.json.encode(kept)))
    return Keys(kept.customer_token_secret, kept.pseudonym_key, kept.claim_key)


def _write(path: Path, content: bytes) -> None:
    """Replace the file atomically; it is never readable by others, not even for a moment."""
    beside = path.with_suffix(".json.new")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}.") from error
