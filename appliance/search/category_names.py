"""Between the category keys of the index and the handles and names of the catalogue's tree."""

from __future__ import annotations

from typing import NamedTuple

from appliance.domain import Category
from appliance.search.facet_values import LEVEL, level_key
from appliance.search.facets import FacetColumn
from appliance.search.types import CatalogueReader, FacetValue
from appliance.text import slug


class _Tree(NamedTuple):
    revision: int
    by_key: dict[str, Category]
    key_of: dict[str, str]
    """Category id to key."""
    by_id: dict[str, Category]


class CategoryNames:
    """Looks categories up both ways; follows the catalogue's revision. Safe to use from any thread."""

    def __init__(self, catalogue: CatalogueReader) -> None:
        self._catalogue = catalogue
        self._tree = _Tree(-1, {}, {}, {})

    def keys(self, column: FacetColumn, text: str) -> list[str]:
        """Return the keys of a column that a handle, name or id means; products below a category carry its key too."""
        node = self._catalogue.category(text)
        if node is not None:
            return [self._current().key_of.get(node.id, "")]
        wanted = slug(text)
        return [key for key in column.keys if wanted in (key.rsplit(LEVEL, 1)[-1], key.replace(LEVEL, "-"))]

    def shown(self, value: FacetValue) -> FacetValue:
        """Return a counted key as people and links know it: the category's handle and name."""
        tree = self._current()
        node = tree.by_key.get(value.value)
        if node is None:
            return FacetValue(value.value.replace(LEVEL, "-"), value.label.rsplit(" > ", 1)[-1], value.count)
        parent = tree.by_id.get(node.parent_id)
        return FacetValue(node.handle, node.name, value.count, parent.handle if parent else "")

    def _current(self) -> _Tree:
        revision = self._catalogue.revision
        if self._tree.revision != revision:
            self._tree = _read(self._catalogue, revision)
        return self._tree


def _read(catalogue: CatalogueReader, revision: int) -> _Tree:
    key_of: dict[str, str] = {}
    by_key: dict[str, Category] = {}
    nodes = {node.id: node for node in catalogue.categories()}
    for node in nodes.values():
        levels = [level_key(node.name)]
        above = nodes.get(node.parent_id)
        while above is not None and len(levels) <= len(nodes):
            levels.append(level_key(above.name))
            above = nodes.get(above.parent_id)
        key_of[node.id] = key = LEVEL.join(reversed(levels))
        by_key.setdefault(key, node)
    return _Tree(revision, by_key, key_of, nodes)
