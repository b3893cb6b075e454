"""The category tree in memory: paths such as ``Túi > Túi xách`` become nodes, nodes become handles and lineages."""

from __future__ import annotations

from collections.abc import Iterable, Set
from hashlib import blake2b

from sqlite_utils import Database

from appliance.domain import Category
from appliance.text import clean_line, fold, slug, words

SEPARATOR = ">"
MAX_DEPTH = 12
"""Levels that a path may have; what is deeper is folded into its last level."""

_ALL = "select id, handle, name, coalesce(parent_id, '') from categories"
_INSERT = "insert into categories (id, handle, name, parent_id) values (?, ?, ?, nullif(?, ''))"


class CategoryTree:
    """All nodes by id, by handle and by place. A node's place is its parent and its name, whatever the capitals.

    Marks count: ``Dừa`` and ``Dứa`` are different fruit. Looking up is more lenient, see ``find``.
    """

    def __init__(self, nodes: Iterable[Category] = ()) -> None:
        self._nodes: dict[str, Category] = {}
        self._by_handle: dict[str, Category] = {}
        self._by_place: dict[tuple[str, str], Category] = {}
        self._by_name: dict[str, Category] = {}
        self._by_words: dict[str, Category] = {}
        self._lineages: dict[str, tuple[Category, ...]] = {}
        self.created: list[Category] = []
        """Nodes made by ``place`` on this copy, parents first."""
        for node in nodes:
            self._add(node)

    @classmethod
    def load(cls, db: Database) -> CategoryTree:
        """Read the whole tree."""
        rows = db.execute(_ALL).fetchall()
        return cls(Category(id=id_, handle=handle, name=name, parent_id=parent) for id_, handle, name, parent in rows)

    def draft(self) -> CategoryTree:
        """Return a copy to add to inside a transaction that may still fail."""
        copy = CategoryTree()
        copy._nodes = dict(self._nodes)
        copy._by_handle = dict(self._by_handle)
        copy._by_place = dict(self._by_place)
        copy._by_name = dict(self._by_name)
        copy._by_words = dict(self._by_words)
        copy._lineages = dict(self._lineages)
        return copy

    def save(self, db: Database) -> None:
        """Write the nodes made on this copy."""
        rows = [(node.id, node.handle, node.name, node.parent_id) for node in self.created]
        db.conn.executemany(_INSERT, rows)

    def covers(self, category_ids: Set[str]) -> bool:
        """Tell whether all of these nodes are known."""
        return category_ids <= self._nodes.keys()

    def place(self, path: str) -> Category | None:
        """Return the node of a path, making it and its parents where they are missing; ``None`` for an empty path.

        The id of a node that is there stands for it, where paths cannot tell two apart.
        """
        if path in self._nodes:
            return self._nodes[path]
        names = _names(path)
        node: Category | None = None
        for depth, name in enumerate(names, 1):
            parent_id = node.id if node else ""
            known = self._by_place.get((parent_id, place_key(name)))
            node = known or self._create(name, parent_id, names[:depth])
        return node

    def node(self, category_id: str) -> Category | None:
        """Return the node of an id."""
        return self._nodes.get(category_id)

    def below(self, category_ids: Iterable[str]) -> list[str]:
        """Return the ids of these nodes and of all nodes under them."""
        wanted = set(category_ids)
        return [id_ for id_ in self._nodes if any(above.id in wanted for above in self.lineage(id_))]

    def find(self, text: str) -> Category | None:
        """Find a node by id, handle, path or name: first as written, then folded; a root before a branch."""
        exact = self._nodes.get(text) or self._by_handle.get(text)
        if exact or not text:
            return exact
        if SEPARATOR in text:
            return self._walk(_names(text))
        key = place_key(clean_line(text))
        return self._by_name.get(key) or self._by_handle.get(slug(text)) or self._by_words.get(_words(key))

    def lineage(self, category_id: str) -> tuple[Category, ...]:
        """Return a node and its ancestors, the root first."""
        known = self._lineages.get(category_id)
        if known is None:
            node = self._nodes[category_id]
            above = self.lineage(node.parent_id) if node.parent_id else ()
            known = self._lineages[category_id] = (*above, node)
        return known

    def path(self, category_id: str) -> str:
        """Return the path as people write it: ``Túi > Túi xách``."""
        return f" {SEPARATOR} ".join(node.name for node in self.lineage(category_id))

    def all(self) -> list[Category]:
        """Return every node, parents before children."""
        return sorted(self._nodes.values(), key=lambda node: [place_key(above.name) for above in self.lineage(node.id)])

    def _walk(self, names: list[str]) -> Category | None:
        node: Category | None = None
        for name in names:
            node = self._by_place.get((node.id if node else "", place_key(name)))
            if node is None:
                return None
        return node

    def _create(self, name: str, parent_id: str, path: list[str]) -> Category:
        handle = self._free_handle(name, path)
        node = Category(id=f"cat_{handle}", handle=handle, name=name, parent_id=parent_id)
        self._add(node)
        self.created.append(node)
        return node

    def _free_handle(self, name: str, path: list[str]) -> str:
        """The name's slug; where another branch has it, the path's; where even that is taken, a number after it."""
        for candidate in (slug(name), slug(" ".join(path))):
            if candidate and candidate not in self._by_handle:
                return candidate
        base = slug(" ".join(path)) or f"category-{blake2b(place_key(name).encode(), digest_size=4).hexdigest()}"
        number = 2
        handle = base
        while handle in self._by_handle:
            handle, number = f"{base}-{number}", number + 1
        return handle

    def _add(self, node: Category) -> None:
        self._nodes[node.id] = node
        self._by_handle[node.handle] = node
        key = place_key(node.name)
        self._by_place.setdefault((node.parent_id, key), node)
        for index, name in ((self._by_name, key), (self._by_words, _words(key))):
            if name not in index or (index[name].parent_id and not node.parent_id):
                index[name] = node


def _names(path: str) -> list[str]:
    names = [name for part in path.split(SEPARATOR) if (name := part.strip())]
    if len(names) > MAX_DEPTH:
        names[MAX_DEPTH - 1 :] = [" ".join(names[MAX_DEPTH - 1 :])]
    return names


def place_key(name: str) -> str:
    """Return what two names in one place must not share."""
    return name.casefold()


def _words(name: str) -> str:
    return " ".join(words(name)) or fold(name)
