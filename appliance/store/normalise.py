"""What a product looks like once inside: cleaned text, bounded sizes, valid ids, and a fingerprint of all of it."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata

import msgspec

from appliance.domain import ID_PATTERN, Product, Variant
from appliance.errors import InvalidInput
from appliance.text import clean, clean_line

MAX_ID = 128
MAX_LINE = 4000
MAX_DESCRIPTION = 200_000
MAX_LIST = 1000
MAX_INTEGER = 2**53
"""Amounts and quantities stay exact in JSON readers that know doubles only."""

_ID = re.compile(ID_PATTERN)
_CURRENCY = re.compile(r"[A-Z]{3}")
_NEWLINES = re.compile("\r\n?|\u2028|\u2029|\x85")
_encode = msgspec.json.Encoder(order="deterministic").encode


class InvalidProduct(InvalidInput):
    """A product cannot be kept; ``product_id`` is its id as it was sent, ``fields`` names the fault."""

    def __init__(self, product_id: str, field: str, wrong: str) -> None:
        super().__init__(f"product {product_id[:MAX_ID]!r}: {field} {wrong}", fields=((field, wrong),))
        self.product_id = product_id


def clean_text(text: str) -> str:
    """Clean a text of several lines: NFC, line ends as ``\\n``, nothing that UTF-8 or a terminal cannot carry."""
    return clean(_NEWLINES.sub("\n", unicodedata.normalize("NFC", encodable(text)))).strip()


def encodable(text: str) -> str:
    """Replace lone surrogates, which neither UTF-8 nor SQLite can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def normalised(product: Product) -> Product:
    """Return the product as it will be stored; normalising twice changes nothing.

    Raises ``InvalidProduct`` for a bad id, currency, amount or time, or for a text or list beyond its bound.
    """
    intake = _Intake(product.id)
    product_id = intake.identifier(product.id)
    if not _CURRENCY.fullmatch(product.currency):
        intake.refuse("currency", "is not an ISO 4217 code of three capitals")
    if product.status not in ("published", "draft"):
        intake.refuse("status", "is neither published nor draft")
    if not math.isfinite(product.created_at):
        intake.refuse("created_at", "is not a time")
    return Product(
        id=product_id,
        handle=intake.line("handle", product.handle) or product_id,
        title=intake.line("title", product.title) or product_id,
        title_en=intake.line("title_en", product.title_en),
        description=intake.description(product.description),
        categories=intake.lines("categories", product.categories),
        tags=intake.lines("tags", product.tags),
        collection=intake.line("collection", product.collection),
        attributes=intake.attributes(product.attributes),
        currency=product.currency,
        variants=intake.variants(product.variants),
        thumbnail=intake.line("thumbnail", product.thumbnail),
        images=None if product.images is None else intake.lines("images", product.images),
        status=product.status,
        created_at=float(product.created_at),
    )


def content_hash(product: Product) -> bytes:
    """Return 16 bytes that differ when anything in a normalised product differs."""
    return hashlib.blake2b(_encode(product), digest_size=16).digest()


def _is_clean_line(text: str) -> bool:
    """Tell cheaply that ``clean_line`` would change nothing, as for nearly every text of a feed.

    What is printable holds no control or format character, no surrogate and no white space but the plain space.
    """
    return (
        text.isprintable()
        and "  " not in text
        and text[:1] != " "
        and text[-1:] != " "
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
    )


class _Intake:
    """Cleans the fields of one product and names it in every refusal."""

    def __init__(self, product_id: str) -> None:
        self._product_id = product_id

    def refuse(self, field: str, wrong: str) -> None:
        """Raise the refusal of one field."""
        raise InvalidProduct(encodable(self._product_id), field, wrong)

    def identifier(self, text: str) -> str:
        """Check a product id: it is never altered, because events name it."""
        if not (0 < len(text) <= MAX_ID and _ID.match(text)):
            self.refuse("id", f"must be 1 to {MAX_ID} of the characters A-Z a-z 0-9 _ . : -")
        return text

    def line(self, field: str, text: str) -> str:
        """Clean a text of one line and bound its length."""
        if len(text) > MAX_LINE:
            self.refuse(field, f"is longer than {MAX_LINE} characters")
        return text if _is_clean_line(text) else clean_line(encodable(text))

    def description(self, text: str) -> str:
        """Clean a text of several lines and bound its length."""
        if len(text) > MAX_DESCRIPTION:
            self.refuse("description", f"is longer than {MAX_DESCRIPTION} characters")
        return clean_text(text)

    def lines(self, field: str, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Clean a list, dropping what is empty or repeated and keeping the order."""
        self._bound(field, len(texts))
        return tuple(dict.fromkeys(line for text in texts if (line := self.line(field, text))))

    def attributes(self, given: dict[str, str]) -> dict[str, str]:
        """Clean open-ended facts; one without a name is dropped."""
        self._bound("attributes", len(given))
        cleaned = {self.line("attributes", key): self.line("attributes", value) for key, value in given.items()}
        cleaned.pop("", None)
        return cleaned

    def variants(self, given: tuple[Variant, ...]) -> tuple[Variant, ...]:
        """Clean the variants; their ids must differ within the product."""
        self._bound("variants", len(given))
        cleaned = tuple(self._variant(variant) for variant in given)
        if len({variant.id for variant in cleaned}) < len(cleaned):
            self.refuse("variants", "have the same id twice")
        return cleaned

    def _variant(self, variant: Variant) -> Variant:
        variant_id = self.line("variants.id", variant.id)
        if not 0 < len(variant_id) <= MAX_ID:
            self.refuse("variants.id", f"must be 1 to {MAX_ID} characters")
        if variant.price is not None and not 0 <= variant.price <= MAX_INTEGER:
            self.refuse("variants.price", "is negative or too large")
        if variant.stock is not None and abs(variant.stock) > MAX_INTEGER:
            self.refuse("variants.stock", "is too large")
        levels = variant.levels
        if levels is not None and sum(levels.values()) != variant.stock:
            self.refuse("variants.levels", "do not add up to the stock")
        return Variant(
            id=variant_id,
            title=self.line("variants.title", variant.title),
            sku=self.line("variants.sku", variant.sku),
            size=self.line("variants.size", variant.size),
            color=self.line("variants.color", variant.color),
            price=variant.price,
            stock=variant.stock,
            prices=self._prices(variant.prices),
            levels=None if levels is None else {self.line("variants.levels", key): n for key, n in levels.items()},
        )

    def _prices(self, given: dict[str, int] | None) -> dict[str, int] | None:
        for currency, amount in (given or {}).items():
            if not _CURRENCY.fullmatch(currency) or not 0 <= amount <= MAX_INTEGER:
                self.refuse("variants.prices", "have a wrong currency, or an amount that is negative or too large")
        return given

    def _bound(self, field: str, count: int) -> None:
        if count > MAX_LIST:
            self.refuse(field, f"are more than {MAX_LIST}")
