"""Writes what was read of Medusa: records, the catalogue's products and the reading's place, a page a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
import structlog

from appliance import domain
from appliance.errors import Conflict, InvalidInput
from appliance.medusa import records
from appliance.medusa.overlay import with_edits
from appliance.medusa.paging import batches
from appliance.medusa.pricing import Offer
from appliance.medusa.projection import ShopFacts, category_paths, links, project, public_categories, stock_items
from appliance.medusa.shop_view import BASIS, PRICED_AT, ShopView, all_records
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.mirror import (
    MirrorRepository,
    drop_records,
    link_products,
    name_locations,
    put_records,
    read_records,
)
from appliance.store.outbox import Edit, read_open
from appliance.store.product_writer import HandleConflict
from appliance.store.sqlite import Transaction
from appliance.store.state import StateRepository
from appliance.text import clean_line

log = structlog.get_logger(__name__)

R = TypeVar("R", bound=records.Identified)
Within = Callable[[Transaction], object]
"""More to write in the transaction of a page."""
_REPROJECT_BATCH = 500
_HANDLE_TRIES = 5
encode = msgspec.json.Encoder(order="deterministic").encode
"""Equal records give equal bytes."""


class Written(msgspec.Struct):
    """How much a reading changed here."""

    read: int = 0
    changed: int = 0
    """Records that were new or different."""
    deleted: int = 0
    refused: list[str] = []
    """Products that cannot be kept, each with the reason."""


def changed_bodies(found: Iterable[records.Identified], known: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return, by id, the bodies of the records that are not as they are known."""
    return {record.id: body for record in found if (body := encode(record)) != known.get(record.id)}


class Mirror:
    """The mirror of one Medusa. Pages are written one at a time; reading is safe from any thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        repository: MirrorRepository,
        state: StateRepository,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        """``clock`` gives Unix seconds as Medusa counts them; it decides which price lists are in force."""
        self._catalogue = catalogue
        self.repository = repository
        self._state = state
        self._writing = threading.RLock()
        self._view = ShopView(repository, state, settings, clock)

    def all(self, kind: type[R]) -> dict[str, R]:
        """Return every record of a kind by id."""
        return all_records(self.repository, kind)

    def some(self, kind: type[R], ids: Sequence[str], db: Transaction | None = None) -> dict[str, R]:
        """Return those of the records that are there, by id; ``db`` reads inside a transaction."""
        found = self.repository.get(kind.kind, ids) if db is None else read_records(db, kind.kind, ids)
        decode = msgspec.json.Decoder(kind).decode
        return {id_: decode(body) for id_, body in found.items()}

    def facts(self) -> ShopFacts:
        """Return what products depend on, as it was last read."""
        # Not while somebody changes it: what was gathered before would be kept after.
        with self._writing:
            return self._view.facts()

    def write_products(
        self, batch: Sequence[records.Product], gone: Collection[str] = (), *, within: Within | None = None
    ) -> Written:
        """Write products and forget others; what is the same is left alone. ``within`` runs in the transaction.

        Medusa never lets two products have one handle. A product here that stands in the way was not read again yet:
        its handle is taken from it until it is. A product that cannot be kept is reported, the others are written.
        """
        with self._writing:
            changed = changed_bodies(batch, self.repository.get("product", [product.id for product in batch]))
            leaving = list(dict.fromkeys(gone))
            hung = {product.id: links(product) for product in batch if product.id in changed}
            hung |= {id_: [] for id_ in leaving}

            def also(db: Transaction) -> None:
                put_records(db, "product", changed)
                drop_records(db, "product", leaving)
                link_products(db, hung)
                if within is not None:
                    within(db)

            written = Written(read=len(batch), changed=len(changed), deleted=len(leaving))
            # All of them: one that is the same may hang on a record that changed while the process was killed.
            written.refused = self._write({product.id: product for product in batch}, leaving, also)
            return written

    def write_product(
        self, product: records.Product, items: Mapping[str, records.InventoryItem], within: Within
    ) -> Written:
        """Write one product and the stock items that were read with it, and more, in one transaction.

        Products that share the items are shown anew after it.
        """
        with self._writing:
            changed = changed_bodies(items.values(), self.repository.get("inventory_item", list(items)))
            sharing = self.repository.products_using("inventory_item", list(changed)) if changed else []
            others = [id_ for id_ in sharing if id_ != product.id]

            def also(db: Transaction) -> None:
                put_records(db, "inventory_item", changed)
                self._note(db, others)
                within(db)

            written = self.write_products([product], within=also)
            if others:
                self._show(others)
            return written

    def edit(self, product_id: str, within: Within) -> None:
        """Change in one transaction which edits wait for a product (``within``), and show it as it is with them.

        Raises what ``within`` raises, or ``InvalidInput`` when the product cannot be kept so; then nothing was written.
        """
        with self._writing:
            self._catalogue.apply(lambda db: self._projected(db, [product_id], {product_id: None}), within=within)

    def write_items(self, items: Mapping[str, records.InventoryItem], gone: Collection[str] = ()) -> Written:
        """Write stock items, forget others, and show the stock of the products that hang on them anew."""
        with self._writing:
            known = self.repository.get("inventory_item", [*items, *gone])
            changed = changed_bodies(items.values(), known)
            leaving = [id_ for id_ in gone if id_ in known]
            if changed or leaving:
                affected = self.repository.products_using("inventory_item", [*changed, *leaving])
                self._replace("inventory_item", changed, leaving, affected)
                self._show(affected)
            return Written(read=len(items), changed=len(changed), deleted=len(leaving))

    def write_all(self, kind: type[R], found: Collection[R], *, links_as: str = "") -> Written:
        """Replace all records of a kind, and show the products anew that hang on what changed.

        ``links_as`` names the kind of link by which products hang on these records; empty: none does.
        """
        with self._writing:
            changed, gone = self._difference(kind.kind, found)
            affected = self.repository.products_using(links_as, [*changed, *gone]) if links_as else []
            if changed or gone:
                self._replace(kind.kind, changed, gone, affected)
                self._view.forget()
                self._show(affected)
            return Written(read=len(found), changed=len(changed), deleted=len(gone))

    def write_locations(self, found: Collection[records.StockLocation]) -> Written:
        """Replace the stock locations and name those of the catalogue."""
        with self._writing:
            names = {place.id: clean_line(place.name) for place in found}
            if names != {id_: clean_line(place.name) for id_, place in self.all(records.StockLocation).items()}:
                self.write(lambda db: name_locations(db, names))
            return self.write_all(records.StockLocation, found)

    def write(self, within: Within) -> None:
        """Write what is no product in one transaction."""
        self._catalogue.apply(within=within)

    def write_categories(self, found: Sequence[records.Category]) -> Written:
        """Replace the category tree: the catalogue takes it over by its ids and handles."""
        with self._writing:
            changed, gone = self._difference("category", found)
            if changed or gone:
                public = public_categories(found)
                hidden = gone.union(category.id for category in found) - {category.id for category in public}
                old, new = self._view.facts().categories, category_paths(public)
                renamed = [id_ for id_ in old.keys() | new.keys() if old.get(id_) != new.get(id_)]
                affected = self.repository.products_using("category", renamed)
                self._replace("category", changed, gone, affected, categories=public, gone_categories=hidden)
                self._view.forget()
                self._show(affected)
            return Written(read=len(found), changed=len(changed), deleted=len(gone))

    def show_prices_in_force(self) -> int:
        """Show products anew whose price lists began or ended by the clock, and return how many there were."""
        with self._writing:
            moment = self._view.now()
            if not self._view.turns_by(moment):
                return 0
            affected = self._priced_otherwise(self._view.offers_at(moment))

            def also(db: Transaction) -> None:
                self._state.put_within(db, PRICED_AT, str(moment))
                self._note(db, affected)

            self.write(also)
            self._view.forget()
            return self._show(affected)

    def price_list_heads(self) -> list[records.PriceListHead]:
        """Return the price lists without their prices, in the order of ids."""
        return self._view.heads()

    def write_price_lists(self, found: Sequence[records.PriceList]) -> Written:
        """Replace all price lists, and show the products anew whose variants they price otherwise now."""
        with self._writing:
            changed, gone = self._difference("price_list", found)
            if changed or gone:
                affected = self._priced_otherwise(self._view.offers_of(found))
                self._replace("price_list", changed, gone, affected)
                self._view.forget(price_lists=True)
                self._show(affected)
            return Written(read=len(found), changed=len(changed), deleted=len(gone))

    def _difference(self, kind: str, found: Collection[records.Identified]) -> tuple[dict[str, bytes], set[str]]:
        """Return, of a kind that was read whole, the bodies that differ from those here, and the ids that are gone."""
        known = self.repository.all(kind)
        return changed_bodies(found, known), known.keys() - {record.id for record in found}

    def _priced_otherwise(self, new: Mapping[str, tuple[Offer, ...]]) -> list[str]:
        """Return the products of which a variant has other offers than those that are shown."""
        old = self._view.facts().offers
        variants = [id_ for id_ in old.keys() | new.keys() if old.get(id_) != new.get(id_)]
        return self.repository.products_using("variant", variants)

    def finish(self) -> int:
        """Show the products anew that a killed process left as they were, and return how many there were."""
        with self._writing:
            waiting = self._unfinished()
            return self._show(waiting) if waiting else 0

    def reproject(self, product_ids: Sequence[str]) -> int:
        """Make the catalogue's products anew from the records that are here, and return how many were looked at."""
        with self._writing:
            for batch in batches(product_ids, _REPROJECT_BATCH):
                self._write(dict.fromkeys(batch), [], None)
            return len(product_ids)

    def _show(self, product_ids: Sequence[str]) -> int:
        """Make products anew after a change that was noted with ``UNFINISHED``."""
        self.reproject(product_ids)
        shown = set(product_ids)
        if left := [id_ for id_ in self._unfinished() if id_ not in shown]:
            self._state.put(UNFINISHED, msgspec.json.encode(left).decode())
        elif product_ids:
            self._state.delete(UNFINISHED)
        return len(product_ids)

    def _unfinished(self) -> list[str]:
        text = self._state.get(UNFINISHED)
        return msgspec.json.decode(text, type=list[str]) if text else []

    def _note(self, db: Transaction, product_ids: Collection[str]) -> None:
        """Note products that are to be shown anew, with those that a write which failed has left."""
        if product_ids:
            waiting = sorted({*self._unfinished(), *product_ids})
            self._state.put_within(db, UNFINISHED, msgspec.json.encode(waiting).decode())

    def _replace(
        self,
        kind: str,
        changed: Mapping[str, bytes],
        gone: Collection[str],
        affected: Sequence[str],
        *,
        categories: Sequence[domain.Category] = (),
        gone_categories: Collection[str] = (),
    ) -> None:
        """Write records, with a note of the products that are to be shown anew after them."""

        def also(db: Transaction) -> None:
            put_records(db, kind, changed)
            drop_records(db, kind, gone)
            self._note(db, affected)

        self._catalogue.apply(categories=categories, gone_categories=gone_categories, within=also)

    def _write(
        self, products: Mapping[str, records.Product | None], leaving: Sequence[str], within: Within | None
    ) -> list[str]:
        """Project and write, leaving out what cannot be kept; returns the refusals."""
        refused: dict[str, str] = {}
        taken: dict[str, domain.Product] = {}
        for _ in range(_HANDLE_TRIES + len(products)):

            def made(db: Transaction) -> list[domain.Product]:
                wanted = [id_ for id_ in products if id_ not in refused]
                return [*taken.values(), *self._projected(db, wanted, products)]

            try:
                self._catalogue.apply(made, deleted=leaving, within=within)
                break
            except HandleConflict as conflict:
                for clash in conflict.clashes:
                    holder = self._catalogue.product(clash.holder_id)
                    if holder is not None and clash.holder_id not in products:
                        taken[holder.id] = msgspec.structs.replace(holder, handle=holder.id)
                    else:
                        refused[clash.product_id] = conflict.message
            except InvalidInput as error:
                product_id = getattr(error, "product_id", "")
                if product_id not in products or product_id in refused:
                    raise
                refused[product_id] = error.message
        else:
            raise Conflict("Handles of Medusa's products keep standing in each other's way.")
        for product_id, reason in refused.items():
            log.warning("medusa_product_refused", product=product_id, reason=reason)
        return [f"{product_id}: {reason}" for product_id, reason in refused.items()]

    def _projected(
        self, db: Transaction, ids: Sequence[str], given: Mapping[str, records.Product | None]
    ) -> list[domain.Product]:
        """Return products as the catalogue is to show them, edits that wait for Medusa included."""
        stored = [id_ for id_ in ids if given[id_] is None]
        found = self.some(records.Product, stored, db) | {id_: one for id_ in ids if (one := given[id_]) is not None}
        items = self.some(records.InventoryItem, stock_items(found.values()), db)
        edits: dict[str, list[Edit]] = {}
        for edit in read_open(db, list(found)):
            if edit.state == "waiting":
                edits.setdefault(edit.product_id, []).append(edit)
        facts = self.facts()
        return [project(*with_edits(product, items, edits.get(product.id, ())), facts) for product in found.values()]

    def write_channels(self, channel_ids: Collection[str] | None) -> None:
        """Note the sales channels of the storefront's key (``None``: there is no key).

        Where they, the region whose prices are shown or the shop's currency are others than before, every product is
        shown anew.
        """
        with self._writing:
            basis = self._view.basis(channel_ids)
            if basis == self._state.get(BASIS):
                return
            affected = sorted(self.repository.ids("product"))

            def also(db: Transaction) -> None:
                self._state.put_within(db, BASIS, basis)
                self._note(db, affected)

            self.write(also)
            self._view.forget()
            self._show(affected)


UNFINISHED = "medusa.unfinished"
"""Key of the state that holds the ids of products which are still to be shown anew."""
