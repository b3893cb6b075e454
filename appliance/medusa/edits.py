"""What the owner changes of mirrored products: shown by the shop at once, and queued for Medusa in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Literal

import msgspec

from appliance.errors import Conflict, NotFound
from appliance.issues import IssueBoard
from appliance.medusa import records
from appliance.medusa.mirror import Mirror
from appliance.medusa.outbox_issues import tell_owner
from appliance.medusa.overlay import with_edits
from appliance.medusa.projection import stock_items
from appliance.medusa.turns import Turns
from appliance.medusa.wishes import Surroundings, Translation, Wish, thing_of
from appliance.store.catalogue import Catalogue
from appliance.store.outbox import (
    Edit,
    EditState,
    OutboxRepository,
    add_edits,
    read_open,
    rebase_edit,
    reopen_edit,
    settle_edit,
)
from appliance.store.sqlite import Transaction

Keep = Literal["here", "medusa"]


class EditView(msgspec.Struct, frozen=True, kw_only=True):
    """An edit with names in the place of ids."""

    edit: Edit
    product_title: str
    variant_title: str
    part: str
    base: Any
    value: Any
    theirs: Any


class OwnerEdits:
    """The owner's changes of mirrored products. Safe to use from any thread; only ``resolve`` may wait for Medusa."""

    def __init__(
        self,
        mirror: Mirror,
        outbox: OutboxRepository,
        catalogue: Catalogue,
        issues: IssueBoard,
        exchange: Turns,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``exchange`` is the lock that the push holds while it sends an edit."""
        self._exchange = exchange
        self._mirror, self._outbox, self._catalogue = mirror, outbox, catalogue
        self._issues, self._now = issues, now
        self.on_change: Callable[[], None] = lambda: None
        """Called after edits were queued or decided, to have them sent soon; it must not wait."""

    def is_mirrored(self, product_id: str) -> bool:
        """Tell whether a product comes from Medusa."""
        return self._mirror.repository.has("product", product_id)

    def change(self, product_id: str, wish: Wish) -> list[Edit]:
        """Change a mirrored product: the shop shows it when this returns, Medusa learns it later.

        Returns the edits that were queued; none where nothing changes. An open conflict about a thing that the wish
        names is settled by it. Raises ``Conflict`` or ``InvalidInput`` for what Medusa could not be told, ``NotFound``
        for an unknown product or variant; then nothing was written.
        """
        queued: list[Edit] = []

        def within(db: Transaction) -> None:
            open_edits = read_open(db, [product_id])
            waiting = [edit for edit in open_edits if edit.state == "waiting"]
            found = self._translated(db, product_id, wish, waiting)
            now = self._now()
            for edit in open_edits:
                if edit.state != "waiting" and thing_of(edit) in found.decided:
                    settle_edit(db, edit.id, "dropped", "superseded", now)
            add_edits(db, found.edits, now)
            queued.extend(found.edits)

        self._mirror.edit(product_id, within)
        self._tell()
        return queued

    def open(self, product_ids: Sequence[str]) -> list[Edit]:
        """Return the edits of products that have not arrived, the oldest first."""
        return self._outbox.open_of(product_ids)

    def recent(self, state: EditState | None = None, limit: int = 100) -> list[Edit]:
        """Return edits, the newest first."""
        return self._outbox.list(state, limit)

    def undecided(self, limit: int = 500) -> list[Edit]:
        """Return the edits that wait for the owner: in conflict, or refused by Medusa; the newest first."""
        return self._outbox.undecided(limit)

    def resolve(self, edit_id: str, keep: Keep) -> Edit:
        """Decide an edit that waits for the owner: ``here`` sends it after all, ``medusa`` gives it up.

        One that still waits to be sent can be given up too, not while it is being sent: then this waits for that call.
        Raises ``NotFound``, or ``Conflict`` when it does not wait.
        """
        edit = self._outbox.get(edit_id)
        if edit is None:
            raise NotFound("There is no such edit.")
        is_unsent = keep == "medusa" and edit.state == "waiting"

        def within(db: Transaction) -> None:
            if keep == "here":
                # Medusa refused it as it stood, on what it still had; in a conflict it has something else by now.
                base = edit.theirs if edit.state == "conflict" else edit.base
                decided = reopen_edit(db, edit_id, base, "here")
            else:
                decided = self._give_up(db, edit, is_unsent)
            if not decided:
                raise Conflict("This edit does not wait for a decision.")

        with self._exchange if is_unsent else nullcontext():
            self._mirror.edit(edit.product_id, within)
        self._tell()
        settled = self._outbox.get(edit_id)
        return edit if settled is None else settled

    def _give_up(self, db: Transaction, edit: Edit, is_unsent: bool) -> bool:
        """Drop an open edit, one that waits to be sent only if ``is_unsent``; the next takes over its base."""
        found = read_open(db, [edit.product_id])
        mine = next((one for one in found if one.id == edit.id and (is_unsent or one.state != "waiting")), None)
        if mine is None:
            return False
        heirs = [one for one in found if one.number > mine.number and thing_of(one) == thing_of(mine)]
        if heirs and mine.state == "waiting":
            rebase_edit(db, heirs[0].id, mine.base)
        return settle_edit(db, mine.id, "dropped", "medusa", self._now())

    def view(self, edit: Edit) -> EditView:
        """Return an edit as the owner reads it: categories and locations by name, the product by its title."""
        card = self._catalogue.card(edit.product_id)
        product = self._catalogue.product(edit.product_id) if edit.variant_id else None
        variants = product.variants if product else ()
        part = edit.part
        if edit.field == "stock":
            place = self._mirror.some(records.StockLocation, [part]).get(part)
            part = place.name if place else part
        values = [edit.base, edit.value, edit.theirs]
        if edit.field == "categories":
            values = [value and [self._category_name(id_) for id_ in value] for value in values]
        return EditView(
            edit=edit,
            product_title=card.title if card else edit.product_id,
            variant_title=next((one.title or one.sku for one in variants if one.id == edit.variant_id), ""),
            part=part,
            base=values[0],
            value=values[1],
            theirs=values[2],
        )

    def _category_name(self, category_id: str) -> str:
        path = self._mirror.facts().categories.get(category_id, category_id)
        known = self._mirror.some(records.Category, [category_id]).get(category_id)
        return known.name if path == category_id and known else path

    def _translated(self, db: Transaction, product_id: str, wish: Wish, waiting: Sequence[Edit]) -> Translation:
        product = self._mirror.some(records.Product, [product_id], db).get(product_id)
        shown = self._catalogue.product(product_id)
        if product is None or shown is None:
            raise NotFound("There is no such product.")
        items = self._mirror.some(records.InventoryItem, stock_items([product]), db)
        laid = Translation(*with_edits(product, items, waiting), shown, self._surroundings())
        laid.read(wish)
        return laid

    def _surroundings(self) -> Surroundings:
        facts = self._mirror.facts()
        store = next(iter(self._mirror.all(records.Store).values()), None)
        places = self._mirror.all(records.StockLocation).values()
        return Surroundings(
            shown_categories=facts.categories.keys(),
            category_id=self._category_id,
            currencies={one.currency_code.upper() for one in store.supported_currencies} if store else (),
            locations={place.id: place.name for place in places},
            default_location=(store.default_location_id or "") if store else "",
            region_id=facts.region_id,
            region_name=next((one.name for one in self._mirror.some(records.Region, [facts.region_id]).values()), ""),
            offers=facts.offers,
            list_title=self._list_title,
        )

    def _list_title(self, price_id: str) -> str:
        lists = self._mirror.all(records.PriceList).values()
        return next((one.title for one in lists if any(price.id == price_id for price in one.prices)), "")

    def _category_id(self, name: str) -> str:
        known = self._mirror.all(records.Category)
        node = self._catalogue.category(name)
        if node is not None and node.id in known:
            return node.id
        return next((one.id for one in known.values() if name in (one.id, one.handle)), "")

    def _tell(self) -> None:
        tell_owner(self._issues, self._outbox, self._now())
        self.on_change()
