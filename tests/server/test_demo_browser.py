"""The demo storefront and the widget in a real browser, against the real process.

A shop whose every text is an attack; a shopper who browses; another site that embeds the widget.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from headless import CHROMIUM, Browser

from appliance.domain import Product, Variant
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

RUN = "window.__ran=(window.__ran||0)+1"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror="{RUN}">',
    f"'><img src=x onerror='{RUN}'>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<math><mtext><img src=x onerror={RUN}></mtext></math>",
    f"<iframe srcdoc='<script>parent.{RUN.replace('window.', '')}</script>'></iframe>",
    f"<iframe src=javascript:parent.{RUN}></iframe>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<a href=javascript:{RUN}>bấm</a>",
    f"javascript:{RUN}",
    f"<style>@import 'javascript:{RUN}'</style>",
    f"<link rel=stylesheet href=javascript:{RUN}>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<object data=javascript:{RUN}></object>",
    f"<template><script>{RUN}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'></noscript>",
    f"${{{RUN}}}{{{{{RUN}}}}}",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
    f"<scr\x00ipt>{RUN}</scr\x00ipt>",
    f"‮<script>{RUN}</script>",
    f"--!><script>{RUN}</script><!--",
)


def attack(number: int, text: str) -> Product:
    """Return a product that is an attack wherever it can be."""
    return Product(
        id=f"evil-{number:02d}",
        handle=f"evil-{number:02d}",
        title=text,
        title_en=text,
        description=f"{text}\n\n{text}",
        categories=(f"{text.replace('>', '').replace('/', '')[:60]} {number}",),
        tags=(text[:100],),
        attributes={"brand": text, "material": text, "style": text},
        variants=(
            Variant(id=f"evil-{number:02d}:1", title=text, color=text, size=text, price=1000 * number + 1000, stock=5),
        ),
        thumbnail=("javascript:" + RUN, "data:text/html," + text, "//elsewhere.example/x.png", "/demo/favicon.svg")[
            number % 4
        ],
        created_at=1_760_000_000.0 + number,
    )


def command(data: Path, *words: str) -> dict[str, object]:
    """Run a command of the appliance and return its JSON answer."""
    line = [sys.executable, "-m", "appliance", "--data", str(data), *words, "--json"]
    return dict(json.loads(subprocess.run(line, check=True, capture_output=True, timeout=240).stdout))


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[str]:
    """Run ``appliance serve`` on a free port; yields its address."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
    environment |= {"APPLIANCE_RATE_LIMIT": "off"} | {f"APPLIANCE_{name}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance", "--data", str(data), "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                # What the process writes later must not fill the pipe.
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield found.group()
                return
        raise AssertionError(f"the process ended with {process.wait(10)}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("hostile")
    data.chmod(0o700)
    store = SqliteStore(data / "catalogue.db", MIGRATIONS)
    Catalogue(store).upsert([attack(number, text) for number, text in enumerate(HOSTILE)])
    store.close()
    with serving(data) as url:
        yield url


@pytest.fixture(scope="module")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo shop, trained."""
    data = tmp_path_factory.mktemp("demo")
    command(data, "demo", "--prepare-only", "--products", "120", "--events", "12000")
    return data


@pytest.fixture(scope="module")
def shop(demo_data: Path, other_site: str) -> Iterator[str]:
    """The demo shop, with another site allowed to embed the widget."""
    with serving(demo_data, SERVER_ORIGINS=other_site) as url:
        yield url


@pytest.fixture(scope="module")
def publishable_key(shop: str, demo_data: Path) -> str:
    return str(command(demo_data, "token", "create", "--kind", "publishable")["secret"])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def other_site(pages: Path) -> Iterator[str]:
    """A shop's own web site, on another origin."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(pages)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as opened:
        yield opened


def origins(browser: Browser) -> set[str]:
    addresses = [urlsplit(request["url"]) for request in browser.requests if request["url"].startswith("http")]
    return {f"{address.scheme}://{address.netloc}" for address in addresses}


def accepted(url: str) -> float:
    """Return how many events the process has acknowledged."""
    with urlopen(f"{url}/metrics") as answer:
        found = re.search(r"^appliance_ingest_events_accepted_total ([\d.e+]+)", answer.read().decode(), re.MULTILINE)
    assert found
    return float(found.group(1))


@pytest.mark.parametrize("with_policy", [True, False], ids=["with CSP", "without CSP"])
def test_thirty_hostile_products_run_no_script(hostile_shop: str, browser: Browser, with_policy: bool) -> None:
    """The page is safe by how it is built; the content security policy is a second wall, so it also falls away once."""
    assert len(HOSTILE) == 30
    browser.call("Page.setBypassCSP", enabled=not with_policy)
    shown: set[str] = set()
    for order in ("price_asc", "price_desc"):
        browser.open(f"{hostile_shop}/demo/#/?sort={order}")
        browser.until("document.querySelectorAll('.grid .card').length >= 24")
        shown |= set(browser.js("[...document.querySelectorAll('.grid .card h3')].map(node => node.textContent)"))
    assert len(shown) == 30
    for number in range(len(HOSTILE)):
        browser.js(f"location.hash = '#/p/evil-{number:02d}'")
        browser.until(
            f"document.querySelector('.product') && location.hash.endsWith('evil-{number:02d}')"
            f" && document.querySelector('.info .price').textContent.includes('{number + 1}.000')"
        )
    browser.js("document.querySelector('.buy').click(); location.hash = '#/cart'")
    browser.until("document.querySelector('.lines li')")
    browser.js("document.getElementById('language').click(); document.getElementById('q').focus()")
    browser.type("script")
    browser.until("document.querySelector('.suggestions [role=option]')")
    assert browser.js("window.__ran ?? null") is None
    assert browser.dialogs == [] and browser.errors == []
    planted = "main script, main iframe, main object, main style, main [onerror], [onload]"
    assert browser.js(f"document.querySelectorAll('{planted}').length") == 0
    assert origins(browser) == {hostile_shop}


def test_a_link_or_picture_with_another_scheme_is_never_made(hostile_shop: str, browser: Browser) -> None:
    browser.open(f"{hostile_shop}/demo/")
    browser.until("document.querySelectorAll('.grid .card').length >= 24")
    addresses = browser.js("[...document.querySelectorAll('main a, main img')].map(node => node.href ?? node.src)")
    assert addresses and all(address.startswith(f"{hostile_shop}/demo/") for address in addresses)


def test_recommendations_change_as_one_browses(shop: str, browser: Browser) -> None:
    titles = "[...document.querySelectorAll('.shelf .card h3')].map(node => node.textContent).join('|')"
    browser.open(f"{shop}/demo/")
    before = browser.until(titles)
    for place in range(3):
        browser.js("location.hash = '#/?category=T%C3%BAi%20%C4%91eo%20ch%C3%A9o'")
        browser.until("location.hash.includes('category') && document.querySelectorAll('.grid .card').length > 2")
        browser.js(f"document.querySelectorAll('.grid .card a')[{place}].click()")
        browser.until("document.querySelector('.product .info h1')")
    browser.js("location.hash = '#/'")
    browser.until(f"location.hash === '#/' && {titles}")
    assert browser.until(titles) != before
    assert browser.until("document.querySelector('.shelf .reason').textContent")
    assert browser.errors == [] and origins(browser) == {shop}


def test_search_works_by_keyboard_alone(shop: str, browser: Browser) -> None:
    browser.open(f"{shop}/demo/")
    browser.until("document.querySelector('.grid .card')")
    browser.js("document.getElementById('q').focus()")
    browser.type("tui deo")
    browser.until("document.querySelector('.suggestions [role=option]')")
    assert browser.js("document.getElementById('q').getAttribute('aria-expanded')") == "true"
    browser.press("ArrowDown")
    chosen = browser.until("document.querySelector('[aria-selected=true]')?.dataset.handle")
    assert browser.js("document.getElementById('q').getAttribute('aria-activedescendant')") == "option-0"
    browser.press("Enter")
    browser.until(f"location.hash === '#/p/{chosen}' && document.querySelector('.product')")
    assert browser.js("document.activeElement.id") == "main"
    assert browser.until("document.getElementById('status').textContent")


def test_the_page_has_names_for_everything_a_screen_reader_meets(shop: str, browser: Browser) -> None:
    browser.open(f"{shop}/demo/")
    browser.until("document.querySelector('.grid .card')")
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node.get("ignored")
        and node["role"]["value"] in {"link", "button", "combobox", "spinbutton", "searchbox", "checkbox", "navigation"}
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    assert browser.js("document.documentElement.lang") == "vi"
    assert browser.js("document.querySelectorAll('h1').length") == 1


CHAT = "document.querySelector('appliance-chat').shadowRoot"


def test_the_chat_answers_by_keyboard_and_speaks_both_languages(shop: str, browser: Browser) -> None:
    browser.open(f"{shop}/demo/")
    browser.until("document.querySelector('.grid .card')")
    browser.js(f"{CHAT}.querySelector('.toggle').focus()")
    browser.press("Enter")
    assert browser.js(f"{CHAT}.activeElement.id") == "say"
    browser.type("tìm balo dưới 1 triệu")
    browser.press("Enter")
    assert browser.until(f"{CHAT}.querySelectorAll('.item a').length")
    assert browser.js(f"{CHAT}.querySelector('.turn.shop .text').textContent")
    assert browser.js(f"{CHAT}.querySelector('.item a').href").startswith(f"{shop}/demo/#/p/")
    assert browser.js(f"{CHAT}.querySelector('.log').getAttribute('aria-live')") == "polite"
    assert browser.until(f"{CHAT}.querySelectorAll('.choice').length")
    browser.js(f"{CHAT}.querySelector('.good').click()")
    browser.until(f"{CHAT}.querySelector('.thanks')")
    browser.type("<img src=x onerror=window.__ran=1>")
    browser.press("Enter")
    browser.until(
        f"{CHAT}.querySelectorAll('.turn.you').length === 2 && {CHAT}.querySelectorAll('.turn.shop').length === 2"
    )
    assert browser.js("window.__ran ?? null") is None
    assert browser.js(f"{CHAT}.querySelectorAll('.turn img[src=x]').length") == 0
    browser.js("document.getElementById('language').click()")
    assert browser.until(f"{CHAT}.querySelector('.send').textContent") == "Send"
    browser.press("Escape")
    assert browser.js(f"{CHAT}.querySelector('.panel').hidden") is True
    assert browser.js(f"{CHAT}.activeElement.className") == "toggle"
    assert browser.errors == [] and origins(browser) == {shop}


def test_the_chat_calls_a_person_and_can_be_deleted(shop: str, browser: Browser) -> None:
    browser.open(f"{shop}/demo/")
    browser.until("document.querySelector('.grid .card')")
    browser.js(f"{CHAT}.querySelector('.toggle').click()")
    browser.type("cho mình gặp nhân viên")
    browser.press("Enter")
    assert "nhân viên" in browser.until(
        f"{CHAT}.querySelector('.state').textContent.startsWith('Đã báo') && {CHAT}.querySelector('.state').textContent"
    )
    browser.open(f"{shop}/demo/")
    browser.until(f"document.querySelector('.grid .card') && {CHAT}.querySelector('.toggle')")
    browser.js(f"{CHAT}.querySelector('.toggle').click()")
    assert browser.until(f"{CHAT}.querySelectorAll('.turn').length") == 2
    browser.js(f"{CHAT}.querySelector('.quiet').click()")
    browser.until(f"{CHAT}.querySelectorAll('.turn').length === 0")
    assert browser.errors == []


def shop_page(shop: str, *, consent: str, shelf: str = "", key: str = "") -> str:
    return (
        "<!doctype html><html lang=vi><meta charset=utf-8><title>Trang của cửa hàng</title>"
        "<script>window.shopAppliance=window.shopAppliance||function(){(shopAppliance.q=shopAppliance.q||[]).push(arguments)};"
        f"shopAppliance('init',{{consent:{consent},key:'{key}'}});shopAppliance('track','view',{{product_id:'prod_00001'}});</script>"
        f"<script async src='{shop}/widget.js'></script>{shelf}"
    )


SHELF = "<appliance-shelf placement=popular heading='Bán chạy' link='/hang/{handle}' timeout=5000></appliance-shelf>"
STORED = "JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage), document.cookie])"


def test_the_widget_fills_a_shelf_on_another_site(shop: str, other_site: str, pages: Path, browser: Browser) -> None:
    (pages / "shelf.html").write_text(shop_page(shop, consent="undefined", shelf=SHELF), encoding="utf-8")
    browser.open(f"{other_site}/shelf.html")
    inside = "document.querySelector('appliance-shelf').shadowRoot"
    assert browser.until(f"{inside}.querySelectorAll('li').length") == 8
    assert browser.js(f"{inside}.querySelector('h2').textContent") == "Bán chạy"
    link = browser.js(f"{inside}.querySelector('a').href")
    assert link.startswith(f"{other_site}/hang/")
    assert browser.errors == [] and origins(browser) == {shop, other_site}


def test_the_widget_stores_and_sends_nothing_before_consent(
    shop: str, other_site: str, pages: Path, browser: Browser
) -> None:
    (pages / "consent.html").write_text(shop_page(shop, consent="undefined", shelf=SHELF), encoding="utf-8")
    before = accepted(shop)
    browser.open(f"{other_site}/consent.html")
    browser.until("document.querySelector('appliance-shelf').shadowRoot.querySelector('li')")
    assert json.loads(browser.js(STORED)) == [[], [], ""]
    assert not any(request["method"] == "POST" for request in browser.requests)
    assert not any("session_id" in request["url"] for request in browser.requests)
    browser.js("shopAppliance('consent', true)")
    browser.until("localStorage.sa_session")
    browser.until("performance.getEntriesByType('resource').some(entry => entry.name.endsWith('/v1/events'))")
    assert accepted(shop) == before + 1
    browser.js("shopAppliance('consent', false)")
    assert json.loads(browser.js(STORED)) == [[], [], ""]


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "with a key"])
def test_what_is_queued_when_the_page_closes_still_arrives(
    shop: str, publishable_key: str, other_site: str, pages: Path, browser: Browser, with_key: bool
) -> None:
    """Without a key by a beacon, with one by a request that outlives the page."""
    page = shop_page(shop, consent="true", key=publishable_key if with_key else "")
    (pages / "leave.html").write_text(page, encoding="utf-8")
    (pages / "next.html").write_text("<!doctype html><meta charset=utf-8><title>Trang sau</title>", encoding="utf-8")
    before = accepted(shop)
    browser.open(f"{other_site}/leave.html")
    browser.until("localStorage.sa_session")
    browser.until("performance.getEntriesByType('resource').some(entry => entry.name.endsWith('/v1/events'))")
    browser.js(
        "shopAppliance('track', 'add_to_cart', {product_id: 'prod_00001', quantity: 1}); location = '/next.html'"
    )
    browser.until("document.title === 'Trang sau'")
    for _ in range(50):
        if accepted(shop) == before + 2:
            break
        browser.js("new Promise(done => setTimeout(done, 50))")
    assert accepted(shop) == before + 2


def test_a_shelf_hides_itself_when_the_box_is_away(other_site: str, pages: Path, shop: str, browser: Browser) -> None:
    """The script comes from the browser's cache or a proxy; the box itself does not answer in time."""
    shelf = SHELF.replace("timeout=5000", "timeout=1")
    (pages / "away.html").write_text(shop_page(shop, consent="undefined", shelf=shelf), encoding="utf-8")
    browser.call("Network.setBlockedURLs", urls=["*/v1/*"])
    browser.open(f"{other_site}/away.html")
    assert browser.until("document.querySelector('appliance-shelf').hidden")
    assert browser.js("getComputedStyle(document.querySelector('appliance-shelf')).display") == "none"
    assert browser.errors == []
