"""The real Medusa server that the tests of this folder share, one for each worker."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fake_medusa import FakeMedusa, running
from fake_rows import fill
from live_medusa import REQUIRED, SKIPPED, LiveMedusa, Unavailable, missing_tools
from synced_shop import Clock, SyncedShop, WholeShop, copied

SECONDS = 120.0
SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the server, and start a test's time when the server is there: a first start takes minutes."""
    for item in items:
        if "medusa" in getattr(item, "fixturenames", ()):
            own = item.get_closest_marker("timeout")
            seconds = own.args[0] if own is not None and own.args else SECONDS
            item.add_marker(pytest.mark.medusa)
            item.add_marker(pytest.mark.timeout(seconds, func_only=True), append=False)
        if item.get_closest_marker("medusa_long") and not os.environ.get(REQUIRED):
            item.add_marker(pytest.mark.skip(reason="takes minutes on a real Medusa: make test-medusa runs it"))


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a module of the scripts' folder by its name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


@pytest.fixture(scope="session")
def medusa() -> Iterator[LiveMedusa]:
    """A running server with the data as first seeded; the tests of a worker share it and what they leave in it."""
    if os.environ.get(SKIPPED):
        pytest.skip(os.environ[SKIPPED])
    missing = missing_tools()
    if missing:
        _give_up(f"no real Medusa here: {', '.join(missing)} missing")
    server = LiveMedusa()
    try:
        try:
            server.start(fresh=True)
        except Unavailable as reason:
            _give_up(str(reason))
        yield server
    finally:
        server.wipe()


@pytest.fixture
def medusa_to_spoil(medusa: LiveMedusa) -> Iterator[LiveMedusa]:
    """The server for a test that may leave anything behind: afterwards it has the data as first seeded again."""
    yield medusa
    medusa.start(fresh=True)


def _give_up(reason: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def clock() -> Clock:
    """The clock of the appliance, and of the Medusa in memory but for its skew."""
    return Clock()


@pytest.fixture
def fake(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMedusa]:
    """A Medusa in memory with three products; what fails is tried again at once."""
    monkeypatch.setattr("appliance.medusa.client._FIRST_PAUSE", 0.001)
    with running(clock) as shop:
        fill(shop)
        yield shop


@pytest.fixture(scope="session")
def empty_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of a shop that was opened once; tests copy it."""
    folder = tmp_path_factory.mktemp("empty") / "data"
    with running() as nothing:
        WholeShop(folder, nothing, Clock()).close()
    return folder


@pytest.fixture
def shop(tmp_path: Path, empty_data: Path, fake: FakeMedusa, clock: Clock) -> Iterator[SyncedShop]:
    """An appliance's stores that are connected to it and have read nothing yet."""
    opened = SyncedShop(copied(empty_data, tmp_path / "data"), fake, clock)
    yield opened
    opened.close()


@pytest.fixture
def whole_shop(tmp_path: Path, empty_data: Path, fake: FakeMedusa, clock: Clock) -> Iterator[WholeShop]:
    """A whole appliance that is connected to it and has read nothing yet."""
    opened = WholeShop(copied(empty_data, tmp_path / "data"), fake, clock)
    yield opened
    opened.close()
