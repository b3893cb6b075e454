"""Simulate power cuts: what may be on the disk when only synced writes are certain, and is anything acknowledged lost?

The real journal, log, merger and catalogue run under strace (``--write``): a few clients append batches, and whatever
was acknowledged is printed. At random moments of the trace the data directory is rebuilt as a disk may hold it when the
power fails: writes that no completed fsync covers are dropped, kept, or randomly dropped and torn at sector size. Each
image is opened with the real stores in another process (``--check``), merged, and compared with what was acknowledged
before that moment. Directory operations and truncations are applied in order.

    python scripts/power_cut.py --points 60 --seconds 3

Prints one JSON object; the exit code is 1 when an acknowledged event was lost, counted twice, or a store did not open,
and 3 where strace is missing or may not trace.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

SECTOR = 512
VARIANTS = ("drop", "random", "keep")
CALLS = (
    "openat,pwrite64,write,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat,lseek,"
    "pwritev,pwritev2,writev,fallocate,copy_file_range"
)


@dataclass(frozen=True)
class Operation:
    """One completed system call on a file of the data directory, or an acknowledgement on stdout."""

    kind: str
    path: str
    offset: int
    data: bytes
    target: str
    began: int
    """Number of operations completed when this call began; a sync covers the writes completed before it began."""


class Trace:
    """Parses strace output (``-f -y -xx``) into operations in order of completion."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.operations: list[Operation] = []
        self._position: dict[int, int] = {}
        self._append: set[int] = set()
        self._unfinished: dict[str, tuple[str, int]] = {}

    def read(self, file: Path) -> None:
        """Parse a whole trace."""
        with file.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                process, rest = line.rstrip("\n").split(" ", 1)
                self._line(process, rest.strip())

    def _line(self, process: str, text: str) -> None:
        began = len(self.operations)
        if text.endswith("<unfinished ...>"):
            self._unfinished[process] = (text.removesuffix("<unfinished ...>").rstrip(), began)
            return
        if text.startswith("<... "):
            head, began = self._unfinished.pop(process, ("", began))
            text = head + re.sub(r"^<\.\.\. \w+ resumed>", "", text)
        match = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", text, re.S)
        if match and int(match[3]) >= 0:
            self._call(match[1], match[2], int(match[3]), began)

    def _call(self, call: str, arguments: str, result: int, began: int) -> None:
        if call == "openat":
            self._open(arguments, result, began)
        elif call.startswith("rename"):
            source, target = _strings(arguments)[:2]
            self._add("rename", source, began, target=target)
        elif call.startswith("unlink"):
            self._add("unlink", _strings(arguments)[0], began)
        else:
            described = re.match(r"(\d+)<([^>]*)>", arguments)
            if described:
                self._descriptor(call, int(described[1]), _plain(described[2]), arguments, result, began)

    def _open(self, arguments: str, descriptor: int, began: int) -> None:
        path = _strings(arguments)[0]
        self._position[descriptor] = 0
        self._append.discard(descriptor)
        if "O_APPEND" in arguments:
            self._append.add(descriptor)
        if "O_TRUNC" in arguments:
            self._add("truncate", path, began)
        elif "O_CREAT" in arguments:
            self._add("create", path, began)

    def _descriptor(self, call: str, number: int, path: str, arguments: str, result: int, began: int) -> None:
        if call == "write" and number == 1:
            self.operations.append(Operation("ack", "", 0, _bytes(arguments), "", began))
        elif call == "lseek":
            self._position[number] = result
        elif call == "pwrite64":
            self._add("write", path, began, int(arguments.rsplit(",", 1)[1]), _bytes(arguments)[:result])
        elif call == "write":
            at = -1 if number in self._append else self._position.get(number, 0)
            self._add("write", path, began, at, _bytes(arguments)[:result])
            self._position[number] = self._position.get(number, 0) + result
        elif call in ("fsync", "fdatasync"):
            self._add("sync", path, began)
        elif call == "ftruncate":
            self._add("truncate", path, began, int(arguments.rsplit(",", 1)[1]))
        elif path.startswith(self.folder):
            raise SystemExit(f"{call} on {path} is not modelled")

    def _add(self, kind: str, path: str, began: int, offset: int = 0, data: bytes = b"", *, target: str = "") -> None:
        path = os.path.realpath(path)
        if path.startswith(self.folder + "/") and not path.endswith("-shm"):
            self.operations.append(
                Operation(kind, path, offset, data, os.path.realpath(target) if target else "", began)
            )


class Disk:
    """What the disk holds after the first ``moment`` operations, for one way of losing unsynced writes."""

    def __init__(self, operations: list[Operation], moment: int, variant: str, draw: random.Random) -> None:
        self.files: dict[str, bytearray] = {}
        self._variant, self._draw = variant, draw
        self._synced: dict[str, int] = {}
        for operation in operations[:moment]:
            if operation.kind == "sync":
                self._synced[operation.path] = max(self._synced.get(operation.path, 0), operation.began)
        for number, operation in enumerate(operations[:moment]):
            self._apply(number, operation)

    def _apply(self, number: int, operation: Operation) -> None:
        path = operation.path
        if operation.kind == "create":
            self.files.setdefault(path, bytearray())
        elif operation.kind == "truncate":
            content = self.files.setdefault(path, bytearray())
            del content[operation.offset :]
            content.extend(bytes(operation.offset - len(content)))
        elif operation.kind == "unlink":
            self.files.pop(path, None)
        elif operation.kind == "rename" and path in self.files:
            self.files[operation.target] = self.files.pop(path)
            self._synced[operation.target] = max(self._synced.get(operation.target, 0), self._synced.get(path, 0))
        elif operation.kind == "write":
            data = operation.data if number < self._synced.get(path, 0) else self._surviving(operation.data)
            self._write(path, operation.offset, data)

    def _surviving(self, data: bytes) -> bytes:
        if self._variant == "drop":
            return b""
        if self._variant == "keep" or (chance := self._draw.random()) >= 0.75:
            return data
        if chance < 0.5:
            return b""
        return data[: self._draw.randrange(len(data) // SECTOR + 1) * SECTOR]

    def _write(self, path: str, offset: int, data: bytes) -> None:
        if not data:
            return
        content = self.files.setdefault(path, bytearray())
        start = len(content) if offset < 0 else offset
        content.extend(bytes(max(0, start - len(content))))
        content[start : start + len(data)] = data

    def save(self, source: str, folder: Path) -> None:
        """Write the image of the traced folder into another."""
        for path, content in self.files.items():
            file = folder / os.path.relpath(path, source)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _strings(arguments: str) -> list[str]:
    return [_plain(text) for text in re.findall(r'"([^"]*)"', arguments)]


def _plain(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


def _bytes(arguments: str) -> bytes:
    found = re.search(r', "([^"]*)"', arguments)
    return bytes.fromhex(found[1].replace("\\x", "")) if found else b""


class CannotTrace(Exception):
    """strace is missing or may not trace here."""


@dataclass
class Outcome:
    """What all images together showed."""

    images: int = 0
    operations: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    fold_differs: int = 0
    unreadable: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the promise held."""
        return self.images > 0 and not (self.lost or self.twice or self.fold_differs or self.unreadable)


class Checker:
    """The process that opens images; an image that kills it is unreadable, and the next gets a new one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def check(self, folder: Path) -> dict[str, object]:
        """Return what the stores say of an image."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--check"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{folder}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if answer:
            found: dict[str, object] = json.loads(answer)
            return found
        self._process = None
        return {"error": f"the checking process ended with {process.wait()}"}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()


def trace_writer(folder: Path, trace: Path, seconds: float, seed: int) -> None:
    """Run the writer under strace. Raises ``CannotTrace``."""
    strace = shutil.which("strace")
    if strace is None:
        raise CannotTrace("strace is not installed")
    tracer = [strace, "-f", "-y", "-xx", "-s", str(1 << 24), "-o", str(trace), "-e", f"trace={CALLS}"]
    writer = [sys.executable, __file__, "--write", str(folder), "--seconds", str(seconds), "--seed", str(seed)]
    done = subprocess.run([*tracer, *writer], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        if re.search(r"ptrace|PTRACE|Operation not permitted", done.stderr):
            raise CannotTrace(done.stderr.strip()[-300:])
        raise SystemExit(f"the writer failed: {done.stderr[-3000:]}")


def acknowledged_before(operations: list[Operation], moment: int) -> set[str]:
    """Return the ids whose acknowledgement was out before a moment."""
    acks = (operation.data for operation in operations[:moment] if operation.kind == "ack")
    return {name for data in acks for name in data.decode().split()}


def moments(operations: list[Operation], points: int, draw: random.Random) -> Iterator[int]:
    """Yield moments: one in six while the stores are made, the others from the first acknowledgement on."""
    first = next(number for number, operation in enumerate(operations) if operation.kind == "ack")
    for number in range(points):
        yield draw.randrange(1, first) if number % 6 == 0 else draw.randrange(first + 1, len(operations) + 1)


def judge(found: dict[str, object], acknowledged: set[str], outcome: Outcome, name: str) -> None:
    """Compare an image with what was acknowledged."""
    outcome.images += 1
    if "error" in found:
        outcome.unreadable += 1
        outcome.notes.append(f"{name}: {found['error']}")
        return
    ids = found["ids"]
    assert isinstance(ids, list)
    lost = acknowledged - set(ids)
    outcome.lost += len(lost)
    outcome.twice += int(str(found["twice"]))
    differs = found["folded"] != found["events"] or found["indexed"] != found["events"]
    outcome.fold_differs += differs
    if lost or found["twice"] or differs:
        counts = {key: value for key, value in found.items() if key != "ids"}
        outcome.notes.append(f"{name}: lost {len(lost)} of {len(acknowledged)}, {counts}, {sorted(lost)[:5]}")


def run(points: int, seconds: float, seed: int) -> Outcome:
    """Trace one run and check its images. Raises ``CannotTrace``."""
    outcome, draw, checker = Outcome(), random.Random(seed), Checker()
    with tempfile.TemporaryDirectory() as name:
        top = Path(name).resolve()
        source, trace_file, image = top / "data", top / "trace", top / "image"
        source.mkdir()
        trace_writer(source, trace_file, seconds, seed)
        trace = Trace(source)
        trace.read(trace_file)
        trace_file.unlink()
        operations = trace.operations
        outcome.operations = len(operations)
        outcome.acknowledged = len(acknowledged_before(operations, len(operations)))
        for moment in moments(operations, points, draw):
            for variant in VARIANTS:
                image.mkdir()
                Disk(operations, moment, variant, draw).save(str(source), image)
                judge(checker.check(image), acknowledged_before(operations, moment), outcome, f"{moment}/{variant}")
                shutil.rmtree(image)
    checker.close()
    return outcome


def main() -> None:
    """Read the arguments; write, check, or trace and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write is not None or arguments.check:
        import power_cut_stores

        if arguments.check:
            power_cut_stores.check_all()
        else:
            power_cut_stores.write(arguments.write, arguments.seconds, arguments.seed)
        return
    try:
        outcome = run(arguments.points, arguments.seconds, arguments.seed)
    except CannotTrace as error:
        print(f"power cuts cannot be simulated here: {error}", file=sys.stderr)
        sys.exit(3)
    print(json.dumps(asdict(outcome)))
    sys.exit(0 if outcome.good else 1)


if __name__ == "__main__":
    main()
