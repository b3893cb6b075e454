"""What a wheelhouse holds beside its wheels: the lock, check sums, licences, bill of materials and installer."""

from __future__ import annotations

import hashlib
import itertools
import json
import platform
import re
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

LOCK = "requirements.lock"
SUMS = "SHA256SUMS"
_PHRASES = {
    "Permission is hereby granted, free of charge, to any person": "MIT",
    "Redistribution and use in source and binary forms": "BSD",
    "Apache License Version 2.0": "Apache-2.0",
    "This software is provided 'as-is', without any express or implied warranty": "Zlib",
}
"""Sentences by which a licence text is known where the metadata do not name it."""
_TEMPLATE = Path(__file__).resolve().parent / "wheelhouse_install.sh"


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel as its own metadata describe it."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    file: str
    sha256: str
    licence: str
    """The SPDX expression, else what the classifiers, the licence field or the licence file say, else ``unknown``."""
    home: str


def read_wheels(folder: Path) -> list[Wheel]:
    """Return the wheels of a folder by name. Raises ``ValueError`` when a distribution is there twice."""
    wheels = sorted((_read_wheel(path) for path in folder.glob("*.whl")), key=lambda wheel: wheel.name)
    for one, next_one in itertools.pairwise(wheels):
        if one.name == next_one.name:
            raise ValueError(f"{one.name} is there twice: {one.file}, {next_one.file}")
    return wheels


def lock_lines(wheels: Iterable[Wheel]) -> list[str]:
    """Return the lines of a requirements file for ``pip install --require-hashes``."""
    return [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}" for wheel in wheels]


def verify_sums(folder: Path) -> list[str]:
    """Return the files of ``SHA256SUMS`` that are missing or altered, and wheels that it does not name."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    wrong = [name for name, digest in expected.items() if not _matches(folder / name, digest)]
    return sorted(wrong + [path.name for path in folder.glob("*.whl") if path.name not in expected])


def write_bundle_files(folder: Path, wheels: list[Wheel], baseline: str) -> None:
    """Write everything but the wheels; ``SHA256SUMS`` comes last and covers all the other files."""
    _write(folder / LOCK, "\n".join(lock_lines(wheels)) + "\n")
    _write(folder / "LICENCES.txt", licences(wheels))
    _write(folder / "sbom.cdx.json", json.dumps(bill_of_materials(wheels), indent=1, ensure_ascii=False) + "\n")
    _write(folder / "target.json", json.dumps(target(baseline), indent=1) + "\n")
    _write(folder / "install.sh", _TEMPLATE.read_text(encoding="utf-8"))
    (folder / "install.sh").chmod(0o755)
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    _write(folder / SUMS, "".join(f"{_sha256(path)}  {path.name}\n" for path in files))


def target(baseline: str) -> dict[str, object]:
    """Return which machines the wheelhouse is for; the installer compares it with the box it runs on."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "machine": platform.machine(),
        "baseline": baseline,
        "glibc": platform.libc_ver()[1],
    }


def licences(wheels: Iterable[Wheel]) -> str:
    """Return the licence of every distribution as a table; the full texts are inside the wheels."""
    rows = [f"{wheel.name:28} {wheel.version:14} {wheel.licence:44} {wheel.home}".rstrip() for wheel in wheels]
    return "\n".join(["The licence texts are inside each wheel, in its dist-info folder.", "", *rows, ""])


def bill_of_materials(wheels: Iterable[Wheel]) -> dict[str, object]:
    """Return the software bill of materials (CycloneDX 1.6, JSON)."""
    components = [
        {
            "type": "application" if wheel.name == "shop-appliance" else "library",
            "bom-ref": f"pkg:pypi/{wheel.name}@{wheel.version}",
            "name": wheel.name,
            "version": wheel.version,
            "purl": f"pkg:pypi/{wheel.name}@{wheel.version}",
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
            "licenses": [{"license": {"name": wheel.licence}}],
        }
        for wheel in wheels
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


def _read_wheel(path: Path) -> Wheel:
    with zipfile.ZipFile(path) as archive:
        (metadata,) = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        headers = HeaderParser().parsestr(archive.read(metadata).decode("utf-8"))
        files = [name for name in archive.namelist() if re.search(r"\.dist-info/.*(LICEN[CS]E|COPYING)", name)]
        text = " ".join(archive.read(name).decode("utf-8", "replace") for name in files)
    return Wheel(
        name=re.sub(r"[-_.]+", "-", headers["Name"]).lower(),
        version=headers["Version"],
        file=path.name,
        sha256=_sha256(path),
        licence=_licence(headers, text),
        home=_home(headers),
    )


def _licence(headers: Message, text: str) -> str:
    if expression := headers["License-Expression"]:
        return str(expression)
    classifiers = [str(value) for value in headers.get_all("Classifier", []) if value.startswith("License :: ")]
    if named := [value.rsplit(" :: ", 1)[1] for value in classifiers if value.count(" :: ") > 1]:
        return ", ".join(named)
    if stated := (headers["License"] or "").strip():
        # Some projects put the whole text into the field: its first line names the licence.
        return stated.splitlines()[0][:80]
    words = " ".join(text.split())
    return next((name for phrase, name in _PHRASES.items() if phrase in words), "unknown")


def _home(headers: Message) -> str:
    if home := headers["Home-page"]:
        return str(home)
    urls = [str(value).split(",", 1) for value in headers.get_all("Project-URL", [])]
    ranked = sorted((label.strip().lower() not in ("homepage", "source", "repository"), url) for label, url in urls)
    return ranked[0][1].strip() if ranked else ""


def _matches(path: Path, digest: str) -> bool:
    return path.is_file() and _sha256(path) == digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
