"""The files of a bundle data set: titles, categories, what sessions held, and the bundles and intents that people saw.

The layout of BundleRec (Sun et al. 2022): ``item_titles``, ``item_categories``, ``session_item``, ``session_bundle``,
``bundle_item`` and ``bundle_intent``, each ``.csv`` or ``.csv.gz`` with a header and two columns.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domain import Product, Variant
from appliance.errors import InvalidInput
from appliance.ops.evaluation.records import read_table, schema
from appliance.recsys.sequences import Sequences, from_lists
from appliance.text import clean_line

_PATH = re.compile(r"\[([^\[\]]*)\]")
_LEVELS = re.compile(r",(?! )")
"""A comma within a name (``Coffee, Tea & Cocoa``) has a space after it."""


@dataclass(frozen=True, slots=True)
class BundleSet:
    """A shop with judged bundles; products, sessions and bundles are rows."""

    products: list[Product]
    sessions: Sequences
    """What each session held."""
    bundles: list[str]
    """The name of each bundle."""
    contents: Sequences
    """The products of each bundle, each once, ascending."""
    session_of: list[int]
    """The session that each bundle was seen in."""
    intents: list[str | None]
    """What each bundle is for, in a person's words; ``None`` when nobody was asked."""


def read_bundles(folder: Path) -> BundleSet:
    """Read a folder. Raises ``InvalidInput`` for a file that is missing or a line that does not fit the others."""
    titles, categories = _pairs(folder, "item_titles", "titles"), _pairs(folder, "item_categories", "categories")
    products = _products(dict(titles), dict(categories))
    rows = {product.id: row for row, product in enumerate(products)}
    sessions = _grouped(folder, "session_item", "session_id", "item_id", rows)
    contents = _grouped(folder, "bundle_item", "bundle_id", "item_id", rows)
    names = {session: number for number, session in enumerate(sessions)}
    owner = {
        bundle: names.setdefault(session, len(names))
        for session, bundle in _pairs(folder, "session_bundle", "bundle_id", key="session_id")
    }
    intents = dict(_pairs(folder, "bundle_intent", "intent", key="bundle_id"))
    bundles = [bundle for bundle in contents if bundle in owner]
    if not bundles:
        raise InvalidInput(
            f"{folder} holds no bundle with a session and a known product.",
            hint="Check session_bundle and bundle_item.",
        )
    return BundleSet(
        products,
        from_lists([sorted(sessions.get(session, ())) for session in names]),
        bundles,
        from_lists([sorted(contents[bundle]) for bundle in bundles]),
        [owner[bundle] for bundle in bundles],
        [clean_line(intents[bundle]) if bundle in intents else None for bundle in bundles],
    )


def category_paths(text: str) -> tuple[str, ...]:
    """Return ``[[Food,Beverages,Coffee, Tea & Cocoa]]`` as category paths (``Food > Beverages > Coffee, Tea …``)."""
    levels = ([html.unescape(level) for level in _LEVELS.split(path) if level] for path in _PATH.findall(text))
    return tuple(dict.fromkeys(" > ".join(map(clean_line, path)) for path in levels if path))


def _products(titles: Mapping[str, str], categories: Mapping[str, str]) -> list[Product]:
    return [
        Product(
            id=item,
            handle=item,
            title=clean_line(html.unescape(title)),
            categories=category_paths(categories.get(item, "")),
            variants=(Variant(id=item),),
        )
        for item, title in titles.items()
    ]


def _grouped(folder: Path, name: str, owner: str, member: str, rows: Mapping[str, int]) -> dict[str, set[int]]:
    """Return the known products of each owner, owners in the order of the file."""
    groups: dict[str, set[int]] = {}
    for group, item in _pairs(folder, name, member, key=owner):
        if item in rows:
            groups.setdefault(group, set()).add(rows[item])
    return groups


def _pairs(folder: Path, name: str, value: str, key: str = "item_id") -> Iterator[tuple[str, str]]:
    file = _file(folder, name)
    for _, row in read_table(file, schema(name, {key: "", value: ""}), blank=value):
        yield row[key], row[value]


def _file(folder: Path, name: str) -> Path:
    choices: Sequence[Path] = [folder / f"{name}.csv.gz", folder / f"{name}.csv"]
    found = next((choice for choice in choices if choice.is_file()), None)
    if found is None:
        raise InvalidInput(f"{folder} has no {name}.csv or {name}.csv.gz.", hint="Name the folder of a bundle set.")
    return found
