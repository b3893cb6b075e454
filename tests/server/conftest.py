"""Shops that a test may open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from litestar.testing import TestClient
from server_shop import ORIGIN, OpenShop, Shop, products

from appliance.runtime import Runtime
from appliance.server.app import create_app
from appliance.settings import load_settings


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[OpenShop]:
    """Return a function that opens a shop with some settings, given as ``section__key``."""
    with ExitStack() as stack:

        def opened(**flags: object) -> Shop:
            settings = {"server.rate_limit": "off", "server.origins": (ORIGIN,)}
            settings |= {name.replace("__", "."): value for name, value in flags.items()}
            loaded = load_settings(tmp_path, environ={}, flags=settings)
            runtime = Runtime.open(tmp_path, loaded)
            runtime.catalogue.upsert(products())
            app = create_app(runtime)
            client = stack.enter_context(TestClient(app))
            return Shop(runtime, app, client)

        yield opened


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A shop with the settings that most tests want."""
    return open_shop()
