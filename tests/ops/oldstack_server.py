"""A real PostgreSQL in a temporary folder with the old stack's tables, and what its own tools make of them.

``PYTHONPATH=tests/ops python -m oldstack_server`` writes the recorded files of ``fixture/oldstack`` again.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIXTURE = Path(__file__).resolve().parent / "fixture" / "oldstack"
PASSWORD = "bí:mật@5/%"
TABLES = (
    "rec_user_interactions",
    "rec_user_preferences",
    "rec_product_similarities",
    "rec_impressions",
    "rec_recommendations_cache",
)
_LIBRARY = Path("/usr/lib/postgresql")
_USER = "postgres"


def missing() -> str:
    """Return why no server can be started here; ``''`` when one can."""
    if binaries() is None:
        return "PostgreSQL's binaries are not installed"
    if os.geteuid() == 0 and _postgres_ids() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def binaries() -> Path | None:
    """Return the folder of the newest server's programs."""
    folders = sorted(
        _LIBRARY.glob("*/bin"), key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0
    )
    found = shutil.which("initdb")
    candidates = [*reversed(folders), *([Path(found).parent] if found else [])]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


class OldStack:
    """A running server. ``dsn`` has no password; it is in the environment that ``run`` gives its programs."""

    def __init__(self, folder: Path, port: int, programs: Path) -> None:
        self.folder = folder
        self.port = port
        self.dsn = f"postgresql://owner@127.0.0.1:{port}/shop"
        self._programs = programs

    def run(self, program: str, *arguments: str, text: str | None = None) -> str:
        """Run one of PostgreSQL's clients and return what it prints."""
        environment = {
            "PGPASSWORD": PASSWORD,
            "PGTZ": "Asia/Ho_Chi_Minh",
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
        }
        command = [str(self._programs / program), *arguments, self.dsn]
        given = None if text is None else text.encode()
        done = subprocess.run(command, input=given, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def sql(self, text: str) -> str:
        """Run statements."""
        return self.run("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "-", text=text)

    def record(self, folder: Path) -> None:
        """Write the tables in every form that an import reads."""
        for table in TABLES:
            (folder / f"{table}.csv").write_bytes(self.sql(f"\\copy {table} to stdout csv header").encode())
        copied = self.sql("\\copy rec_user_interactions to stdout")
        (folder / "rec_user_interactions.copy").write_bytes(copied.encode())
        dumped = self.run("pg_dump", "--no-owner", "--no-privileges")
        (folder / "dump.sql").write_bytes(dumped.encode())


@contextmanager
def old_stack() -> Iterator[OldStack]:
    """Start a server on a free port and load the tables; everything is gone afterwards."""
    programs = binaries()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="oldstack-"))
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        ids = _postgres_ids() if os.geteuid() == 0 else None
        if ids is not None:
            for path in (folder, secret):
                os.chown(path, *ids)
        data = folder / "data"
        _as_user(
            *(str(programs / "initdb"), "-D", str(data), "-U", "owner", "-E", "UTF8", "--locale=C.UTF-8", "-N"),
            *("--auth=scram-sha-256", f"--pwfile={secret}"),
        )
        port = _free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        control = (str(programs / "pg_ctl"), "-D", str(data), "-w")
        _as_user(*control, "-l", str(folder / "log"), "-o", options, "start")
        try:
            server = OldStack(folder, port, programs)
            server.dsn = server.dsn.replace("/shop", "/postgres")
            server.sql("create database shop")
            server.dsn = server.dsn.replace("/postgres", "/shop")
            server.sql((FIXTURE / "stack.sql").read_text("utf-8"))
            yield server
        finally:
            _as_user(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_user(*command: str) -> None:
    user = {"user": _USER, "group": _USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(  # type: ignore[call-overload]
        command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **user
    )
    assert done.returncode == 0, done.stderr


def _postgres_ids() -> tuple[int, int] | None:
    try:
        found = pwd.getpwnam(_USER)
    except KeyError:
        return None
    return found.pw_uid, found.pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    with old_stack() as server:
        server.record(FIXTURE)
