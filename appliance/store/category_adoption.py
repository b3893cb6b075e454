"""Taking over the category tree of another system by its own ids and handles, so that links of the storefront hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlite_utils import Database

from appliance.domain import Category
from appliance.store.categories import CategoryTree, place_key
from appliance.store.products import json_ids

_SET_ASIDE = "update categories set handle = char(10) || id where id in (select value from json_each(?))"
_ADOPT = """
insert into categories (id, handle, name, parent_id) values (?, ?, ?, nullif(?, ''))
on conflict (id) do update set handle = excluded.handle, name = excluded.name, parent_id = excluded.parent_id
"""
_MOVE_PRODUCTS = "update or ignore product_categories set category_id = :theirs where category_id = :ours"
_MOVE_CHILDREN = "update categories set parent_id = :theirs where parent_id = :ours"
_EMPTY = "delete from product_categories where category_id in (select value from json_each(?))"
_ORPHAN = "update categories set parent_id = null where parent_id in (select value from json_each(?))"
_DELETE = "delete from categories where id in (select value from json_each(?))"
_PRODUCTS_OF = """
select distinct product_id from product_categories where category_id in (select value from json_each(?))
"""


def adopt_categories(
    db: Database, tree: CategoryTree, given: Sequence[Category], gone: Collection[str]
) -> tuple[CategoryTree, list[str]]:
    """Write foreign categories, parents before children, and delete those of ``gone``.

    A category of ours with the handle, or in the place, of a foreign one becomes it, with its products and children.
    What stood below a deleted one becomes a root. Returns the new tree and the ids of the products whose categories
    are called or placed otherwise now. Runs inside the caller's transaction.
    """
    changed = [node for node in given if tree.node(node.id) != node]
    gone_here = [category_id for category_id in gone if tree.node(category_id) is not None]
    if not changed and not gone_here:
        return tree, []
    replaced = _replaced(tree, given, gone_here)
    below = tree.below([*(node.id for node in changed), *gone_here, *replaced])
    touched = [row[0] for row in db.execute(_PRODUCTS_OF, [json_ids(below)])]
    db.execute(_SET_ASIDE, [json_ids([*(node.id for node in given), *replaced])])
    db.conn.executemany(_ADOPT, [(node.id, node.handle, node.name, node.parent_id) for node in given])
    moves = [{"ours": ours, "theirs": theirs} for ours, theirs in replaced.items()]
    db.conn.executemany(_MOVE_PRODUCTS, moves)
    db.conn.executemany(_MOVE_CHILDREN, moves)
    leaving = json_ids([*replaced, *gone_here])
    for statement in (_EMPTY, _ORPHAN, _DELETE):
        db.execute(statement, [leaving])
    return CategoryTree.load(db), touched


def _replaced(tree: CategoryTree, given: Sequence[Category], gone: Collection[str]) -> dict[str, str]:
    """Return, by id, which of our categories become which foreign one."""
    foreign = {node.id for node in given} | set(gone)
    by_handle = {node.handle: node.id for node in given}
    by_place = {(node.parent_id, place_key(node.name)): node.id for node in given}
    replaced: dict[str, str] = {}
    for node in tree.all():
        if node.id in foreign:
            continue
        parent = replaced.get(node.parent_id, node.parent_id)
        theirs = by_handle.get(node.handle) or by_place.get((parent, place_key(node.name)))
        if theirs is not None:
            replaced[node.id] = theirs
    return replaced
