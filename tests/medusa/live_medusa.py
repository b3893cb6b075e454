"""A real Medusa server of a test session: started from ``server/``, asked directly, stopped, hung, brought back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

SERVER = Path(__file__).parent / "server"
START_SECONDS = float(os.environ.get("MEDUSA_TESTS_START_SECONDS", "600"))
"""The first start installs packages and seeds a database; it may also wait for another worker that does."""
REQUIRED, SKIPPED, INSTALLS = "MEDUSA_TESTS_REQUIRED", "MEDUSA_TESTS_SKIP", "MEDUSA_TESTS_INSTALL"
"""Set to make a missing server an error; to say why there is none; to let root install PostgreSQL."""
PREFIX = "medusa-tests-"


class Unavailable(Exception):
    """No Medusa server can run here; the message says why."""


class Customer(msgspec.Struct):
    """One seeded customer; those with an account log in with ``customer_password``."""

    id: str
    email: str
    has_account: bool


class Order(msgspec.Struct):
    """One seeded order and how far it was taken."""

    id: str
    display_id: int
    email: str
    stage: str


class ShopInfo(msgspec.Struct):
    """What ``start.sh`` prints: where the server is and the keys to talk to it."""

    base_url: str
    publishable_key: str
    secret_key: str
    admin_email: str
    admin_password: str
    customer_password: str
    customers: list[Customer]
    orders: list[Order]
    sales_channel_id: str
    other_sales_channel_id: str
    region_vn_id: str
    region_us_id: str
    stock_location_id: str
    second_stock_location_id: str
    webhook_url_file: str
    webhook_secret: str
    database_url: str
    server_pid: int
    run_dir: str


def missing_tools() -> list[str]:
    """Return the names of the programs that are not here and will not be installed."""
    missing = [name for name in ("node", "npm", "curl", "flock") if shutil.which(name) is None]
    installed = any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb") is not None
    if not installed and not (os.environ.get(INSTALLS) and os.geteuid() == 0):
        missing.append("PostgreSQL")
    return missing


HOOK_SECRET = "the-appliance-and-medusa-share-this"


class LiveMedusa:
    """One server with its own port, run folder and database; packages and the seeded database are shared."""

    def __init__(self) -> None:
        sweep()
        self._run = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
        # PostgreSQL runs under an account of its own when the tests run as root.
        self._run.chmod(0o755)
        (self._run / "owner").write_text(str(os.getpid()))
        self.hook_port = _free_port()
        """Where the documented subscriber sends its events; nobody listens unless a test does."""
        self._environment = os.environ | {
            "MEDUSA_KIT_PORT": str(_free_port()),
            "MEDUSA_KIT_RUN": str(self._run),
            "APPLIANCE_HOOK_URL": f"http://127.0.0.1:{self.hook_port}/v1/hooks/medusa",
            "APPLIANCE_HOOK_SECRET": HOOK_SECRET,
        }
        self._client = httpx.Client(timeout=60)
        self._token = ""
        self.info: ShopInfo

    @property
    def base_url(self) -> str:
        """The server's address."""
        return self.info.base_url

    @property
    def secret_key(self) -> str:
        """A secret API key, for HTTP Basic authentication with an empty password."""
        return self.info.secret_key

    @property
    def publishable_key(self) -> str:
        """The publishable key of the shop's online channel."""
        return self.info.publishable_key

    @property
    def admin_email(self) -> str:
        """The e-mail address of the shop's administrator."""
        return self.info.admin_email

    @property
    def admin_password(self) -> str:
        """The password of the shop's administrator."""
        return self.info.admin_password

    @property
    def region_id(self) -> str:
        """The shop's region: Việt Nam, in đồng."""
        return self.info.region_vn_id

    @property
    def channel_id(self) -> str:
        """The sales channel of the publishable key."""
        return self.info.sales_channel_id

    @property
    def location_ids(self) -> tuple[str, str]:
        """The two stock locations, the main one first."""
        return self.info.stock_location_id, self.info.second_stock_location_id

    @property
    def webhook_secret(self) -> str:
        """The key that the server's relay signs each event with."""
        return self.info.webhook_secret

    def post_events_to(self, url: str) -> None:
        """Have every event from now on posted to an address; ``''`` ends it."""
        Path(self.info.webhook_url_file).write_text(url)

    def start(self, *, fresh: bool = False) -> None:
        """Start the server, or bring it back with its data; ``fresh`` gives it the data as first seeded.

        Raises ``Unavailable`` with the last line that the start said.
        """
        said = self._run.with_suffix(".log")
        command = [str(SERVER / "start.sh"), *(["--fresh"] if fresh else [])]
        with said.open("wb") as log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, env=self._environment, start_new_session=True
            )
            try:
                printed, _ = process.communicate(timeout=START_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise Unavailable(f"Medusa did not start within {START_SECONDS:.0f} seconds") from None
        if process.returncode != 0:
            lines = said.read_text(errors="replace").strip().splitlines()
            raise Unavailable(f"Medusa did not start: {lines[-1] if lines else 'it said nothing'}")
        self.info = msgspec.json.decode(printed, type=ShopInfo)

    def stop(self) -> None:
        """Stop the server only, as an outage does; ``start`` brings it back with its keys and data."""
        self._script("stop.sh", "--server-only")

    def wipe(self) -> None:
        """Stop the server and its database and delete the run folder."""
        self._client.close()
        _wipe(self._run)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Have no server within the block: connections are refused."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hang(self) -> Iterator[None]:
        """Have a server within the block that accepts connections and answers nothing."""
        pid = self.info.server_pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def admin(self, method: str, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """Send a request to an ``/admin`` path as the administrator and return the decoded answer.

        Any status from 400 on is an ``AssertionError`` with what the server said.
        """
        answer = self._send(method, path, json, params)
        if answer.status_code == 401:
            self._token = ""
            answer = self._send(method, path, json, params)
        return _decoded(answer)

    def store(self, method: str, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """Send a request to a ``/store`` path with the publishable key and return the decoded answer."""
        headers = {"x-publishable-api-key": self.publishable_key}
        return _decoded(self._client.request(method, self.base_url + path, json=json, params=params, headers=headers))

    def _send(self, method: str, path: str, json: Any, params: Mapping[str, Any] | None) -> httpx.Response:
        if not self._token:
            body = {"email": self.admin_email, "password": self.admin_password}
            login = self._client.post(f"{self.base_url}/auth/user/emailpass", json=body)
            self._token = _decoded(login)["token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._client.request(method, self.base_url + path, json=json, params=params, headers=headers)

    def _script(self, name: str, *arguments: str) -> None:
        command = [str(SERVER / name), *arguments]
        subprocess.run(command, env=self._environment, check=True, capture_output=True, timeout=120)


def sweep() -> None:
    """Stop the servers of test sessions that were killed."""
    for owner in Path("/tmp").glob(f"{PREFIX}*/owner"):
        try:
            os.kill(int(owner.read_text() or "0"), 0)
        except ProcessLookupError:
            _wipe(owner.parent)
        except (PermissionError, FileNotFoundError):
            continue  # another account's, or just swept by another worker


def _wipe(run: Path) -> None:
    environment = os.environ | {"MEDUSA_KIT_RUN": str(run)}
    subprocess.run([str(SERVER / "stop.sh"), "--wipe"], env=environment, check=False, capture_output=True, timeout=120)
    shutil.rmtree(run, ignore_errors=True)
    for beside in (".lock", ".log"):
        run.with_suffix(beside).unlink(missing_ok=True)


def _decoded(answer: httpx.Response) -> Any:
    assert answer.status_code < 400, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}"
    return answer.json()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
