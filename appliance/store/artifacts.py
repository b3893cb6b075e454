"""Versioned folders for models and indexes: built beside the live one, verified, swapped by one rename.

A version is a folder ``<kind>/<number>-<digest>``. Its ``manifest.json`` lists every file with size and SHA-256, and
the digest in the folder's name is that of the manifest, so that a flipped bit anywhere is noticed before a byte is
mapped into memory (a damaged Annoy file can crash the process that loads it).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psutil
import structlog

from appliance.errors import ArtifactInvalid, StoreError

MANIFEST = "manifest.json"
POINTER = "CURRENT"
SCHEMA = 1
KEPT_VERSIONS = 3
_VERSION = re.compile(r"^(\d{6,})-([0-9a-f]{12})$")
_KIND = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
_SCRATCH = ".building-"

log = structlog.get_logger(__name__)


class FileDigest(msgspec.Struct, frozen=True):
    """What a file of an artifact must look like."""

    sha256: str
    size: int
    """Bytes."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a version; ``files`` is keyed by path relative to the folder, with ``/`` between parts."""

    schema: int
    kind: str
    created_at: float
    files: dict[str, FileDigest]
    info: dict[str, Any]


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A verified version. ``rejected`` says why newer versions were passed over."""

    kind: str
    version: str
    path: Path
    created_at: float
    info: dict[str, Any]
    rejected: tuple[str, ...] = ()


class ArtifactStore:
    """All artifacts below one folder. Publishing is for one builder a kind at a time; reading is free."""

    def __init__(self, root: Path, *, keep: int = KEPT_VERSIONS, now: Callable[[], float] = time.time) -> None:
        self._root = root
        self._keep = max(1, keep)
        self._now = now

    def begin(self, kind: str) -> Path:
        """Return a new empty folder to build in; folders that killed builders left behind are removed."""
        folder = self._folder(kind)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in folder.glob(f"{_SCRATCH}*"):
            if not _builder_lives(leftover.name):
                shutil.rmtree(leftover, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{_builder_mark()}-", dir=folder))

    def publish(self, kind: str, path: Path, info: Mapping[str, Any]) -> str:
        """Make a built folder the current version and return its name.

        ``path`` comes from ``begin`` (or lies on the same file system) and is moved. Everything is on disk before the
        pointer changes; a crash at any moment leaves the former version current.
        """
        folder = self._folder(kind)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            body = self._write_manifest(kind, path, info)
            version = f"{self._next_number(folder):06d}-{_name_digest(body)}"
            path.rename(folder / version)
            _sync(folder)
            self._point(folder, version)
        except OSError as error:
            raise StoreError(f"Publishing {kind} failed: {error}", hint="Check the disk's free space.") from error
        self._prune(folder, version)
        log.info("artifact_published", kind=kind, version=version)
        return version

    def candidates(self, kind: str) -> list[Path]:
        """Return the folders of all versions, the current one first, then newest first; none is verified yet."""
        folder = self._folder(kind)
        pointed = self._pointed(folder)
        paths = [folder / name for name in sorted(_versions(folder), key=_number, reverse=True)]
        return sorted(paths, key=lambda path: path.name != pointed)

    def current(self, kind: str) -> Artifact | None:
        """Return the best version that passes verification, ``None`` when none was ever published.

        Raises ``ArtifactInvalid`` when versions exist and every one is damaged.
        """
        rejected: list[str] = []
        for path in self.candidates(kind):
            try:
                artifact = verify(path, kind)
            except ArtifactInvalid as error:
                log.warning("artifact_rejected", kind=kind, version=path.name, reason=error.message)
                rejected.append(error.message)
                continue
            return msgspec.structs.replace(artifact, rejected=tuple(rejected))
        if rejected:
            raise ArtifactInvalid(
                f"No version of {kind} is usable: {'; '.join(rejected)}", hint="Build it again: appliance train"
            )
        return None

    def discard(self, path: Path) -> None:
        """Remove a scratch folder of a build that failed."""
        if path.name.startswith(_SCRATCH):
            shutil.rmtree(path, ignore_errors=True)

    def _folder(self, kind: str) -> Path:
        if not _KIND.match(kind):
            raise ValueError(f"not an artifact kind: {kind!r}")
        return self._root / kind

    def _write_manifest(self, kind: str, path: Path, info: Mapping[str, Any]) -> bytes:
        (path / MANIFEST).unlink(missing_ok=True)
        files = {}
        for file in sorted(path.rglob("*")):
            if file.is_symlink() or not (file.is_file() or file.is_dir()):
                raise StoreError(f"{file.name} is not a plain file and cannot be part of an artifact.")
            if file.is_dir():
                continue
            _sync(file)
            files[file.relative_to(path).as_posix()] = FileDigest(_sha256(file), file.stat().st_size)
        manifest = Manifest(schema=SCHEMA, kind=kind, created_at=self._now(), files=files, info=dict(info))
        body = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        (path / MANIFEST).write_bytes(body)
        for entry in (path / MANIFEST, *(folder for folder in path.rglob("*") if folder.is_dir()), path):
            _sync(entry)
        return body

    def _next_number(self, folder: Path) -> int:
        return 1 + max((_number(name) for name in _versions(folder)), default=0)

    def _pointed(self, folder: Path) -> str:
        try:
            return (folder / POINTER).read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def _point(self, folder: Path, version: str) -> None:
        beside = folder / f"{POINTER}.new"
        beside.write_text(f"{version}\n", encoding="ascii")
        _sync(beside)
        beside.replace(folder / POINTER)
        _sync(folder)

    def _prune(self, folder: Path, current: str) -> None:
        for name in sorted(_versions(folder), key=_number, reverse=True)[self._keep :]:
            if name != current:
                shutil.rmtree(folder / name, ignore_errors=True)


def verify(path: Path, kind: str) -> Artifact:
    """Check a version's folder against its manifest and return it; raises ``ArtifactInvalid`` naming what is wrong.

    Files that the manifest does not list are ignored: nobody loads them.
    """
    manifest = _read_manifest(path)
    if manifest.kind != kind:
        raise _invalid(path, f"is a {manifest.kind}, not a {kind}")
    for name, expected in manifest.files.items():
        file = path / name
        if not file.resolve().is_relative_to(path.resolve()):
            raise _invalid(path, f"names a file outside itself: {name}")
        try:
            size, digest = file.stat().st_size, ""
            if size == expected.size:
                digest = _sha256(file)
        except OSError as error:
            raise _invalid(path, f"cannot read {name}: {error.strerror}") from error
        if digest != expected.sha256:
            raise _invalid(path, f"{name} differs from its manifest")
    return Artifact(kind=kind, version=path.name, path=path, created_at=manifest.created_at, info=manifest.info)


def _read_manifest(path: Path) -> Manifest:
    try:
        body = (path / MANIFEST).read_bytes()
    except OSError as error:
        raise _invalid(path, f"has no readable manifest: {error.strerror}") from error
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _invalid(path, f"has a malformed manifest: {error}") from error
    if manifest.schema != SCHEMA:
        raise _invalid(path, f"has manifest schema {manifest.schema}, this version reads {SCHEMA}")
    named = _VERSION.match(path.name)
    if named is None or named.group(2) != _name_digest(body):
        raise _invalid(path, "has an altered manifest")
    return manifest


def _invalid(path: Path, reason: str) -> ArtifactInvalid:
    return ArtifactInvalid(f"{path.name} {reason}", hint="Build it again: appliance train")


def _versions(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if _VERSION.match(entry.name)]
    except FileNotFoundError:
        return []


def _number(version: str) -> int:
    return int(version.split("-", 1)[0])


def _name_digest(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:12]


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder for fsync
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _builder_mark() -> str:
    return f"{os.getpid()}-{int(psutil.Process().create_time())}"


def _builder_lives(name: str) -> bool:
    # The start time guards against a process id that was given to another process since.
    parts = name.removeprefix(_SCRATCH).split("-")
    try:
        pid, started = int(parts[0]), int(parts[1])
        return abs(psutil.Process(pid).create_time() - started) <= 1
    except (ValueError, IndexError, psutil.Error):
        return False
