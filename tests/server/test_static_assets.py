"""The files that browsers get: nothing from elsewhere, no way for data to become code, small enough."""

from __future__ import annotations

import gzip
import hashlib
import re
from importlib import resources
from pathlib import Path

import pytest

STATIC = Path(str(resources.files("appliance.server"))) / "static"
SWAGGER = STATIC / "swagger"
OWN = sorted(
    path
    for path in STATIC.rglob("*")
    if path.is_file() and (path.parent != SWAGGER or path.name in {"init.js", "favicon.svg"})
)
SCRIPTS = [path for path in OWN if path.suffix == ".js"]
NAMESPACES = {"http://www.w3.org/2000/svg"}


def relative(path: Path) -> str:
    return str(path.relative_to(STATIC))


def code(path: Path) -> str:
    """Return a script without its comments."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


def test_the_files_that_routes_and_pages_name_are_there() -> None:
    names = {relative(path) for path in STATIC.rglob("*") if path.is_file()}
    assert {"widget.js", "demo/index.html", "demo/main.js", "demo/style.css", "demo/placeholder.svg"} <= names
    assert {"swagger/swagger-ui-bundle.js", "swagger/swagger-ui.css", "swagger/LICENSE", "swagger/init.js"} <= names


@pytest.mark.parametrize("path", OWN, ids=relative)
def test_nothing_is_named_that_lies_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'`)>]+", text)) <= NAMESPACES
    assert not re.search(r"(src|href|url\(|from)\s*[=\s(]*[\"'`]?//", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=relative)
def test_scripts_cannot_turn_text_into_markup_or_code(path: Path) -> None:
    forbidden = (
        r"\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML"
        r"|\beval\b|new Function|Function\(|setTimeout\(\s*[\"'`]|javascript:|srcdoc|document\.cookie"
    )
    assert not re.search(forbidden, code(path))


def test_the_page_has_no_inline_script_style_or_handler() -> None:
    page = (STATIC / "demo" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)
    assert "default-src 'self'" in page
    assert set(re.findall(r"(?:src|href)=\"(/[^\"]*)\"", page)) <= {
        "/demo/favicon.svg",
        "/demo/style.css",
        "/demo/main.js",
        "/chat.js",
        "/schema",
    }


def test_every_module_that_is_imported_exists() -> None:
    for path in (STATIC / "demo").glob("*.js"):
        for name in re.findall(r"from \"(\./[^\"]+)\"", path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), (path.name, name)


def test_the_page_speaks_both_languages_completely() -> None:
    text = (STATIC / "demo" / "i18n.js").read_text(encoding="utf-8")
    vietnamese, english = text.split("  en: {", 1)
    keys = [set(re.findall(r"^    (\w+): \"", half, re.MULTILINE)) for half in (vietnamese, english)]
    assert keys[0] == keys[1] and len(keys[0]) > 50
    scripts = "".join(path.read_text(encoding="utf-8") for path in (STATIC / "demo").glob("*.js"))
    page = (STATIC / "demo" / "index.html").read_text(encoding="utf-8")
    used = set(re.findall(r"\bt\(\"(\w+)\"", scripts)) | set(re.findall(r"data-i18n(?:-\w+)?=\"(\w+)\"", page))
    assert used <= keys[0]


def test_the_page_loads_little() -> None:
    sizes = [len(gzip.compress(path.read_bytes(), 9)) for path in (STATIC / "demo").iterdir()]
    assert sum(sizes) < 25_000


def test_the_widget_is_small() -> None:
    """The event core is under 3 kB without its indentation, and the whole file, shelf included, on the wire."""
    text = (STATIC / "widget.js").read_text(encoding="utf-8")
    core = text[: text.index("/* <appliance-shelf>")]
    stripped = "\n".join(line.strip() for line in core.splitlines() if not line.strip().startswith("//"))
    assert len(stripped.encode()) < 3 * 1024
    assert len(gzip.compress(text.encode(), 9)) < 3 * 1024


def test_the_chat_panel_is_small_stores_nothing_and_speaks_both_languages() -> None:
    text = code(STATIC / "chat.js")
    assert len(gzip.compress(text.encode(), 9)) < 6 * 1024
    assert not re.search(r"(local|session)Storage\S*\s*=", text)
    vietnamese, english = text.split("    en: {", 1)
    keys = [set(re.findall(r"\b(\w+): \"", half.split("    },", 1)[0])) for half in (vietnamese, english)]
    assert keys[0] == keys[1] and len(keys[0]) > 20
    assert set(re.findall(r"\bt\.(\w+)", text)) <= keys[0]


def test_the_widget_stores_nothing_before_consent() -> None:
    """Every write to a storage stands behind ``allowed``."""
    text = code(STATIC / "widget.js")
    writes = [line for line in text.splitlines() if re.search(r"(local|session)Storage\[\w+\]\s*=", line)]
    assert len(writes) == 2
    remember = next(line for line in writes if "sessionStorage" in line)
    assert "if (allowed)" in remember
    assert 'if (!allowed) return "";' in text[: text.index("localStorage[SESSION] = session")]
    assert "cookie" not in text


def test_swagger_ui_is_the_recorded_version_and_not_too_large() -> None:
    notes = (SWAGGER / "README.md").read_text(encoding="utf-8")
    recorded = re.findall(r"^([0-9a-f]{64})  (\S+)$", notes, re.MULTILINE)
    assert len(recorded) == 3
    for digest, name in recorded:
        assert hashlib.sha256((SWAGGER / name).read_bytes()).hexdigest() == digest
    assert sum(path.stat().st_size for path in SWAGGER.iterdir()) < 2_500_000
    assert "validatorUrl: null" in (SWAGGER / "init.js").read_text(encoding="utf-8")
