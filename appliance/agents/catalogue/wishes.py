"""What a shopper wishes for, from the slots and the words of a message, as a query and in the reader's words."""

from __future__ import annotations

from typing import Literal

import msgspec

from appliance.agents.catalogue.categories import WIDE, groups, shop_category
from appliance.agents.catalogue.context import number_slot, product_slot, text_slot
from appliance.agents.catalogue.facts import colour_label, speakable
from appliance.agents.catalogue.names import read_name
from appliance.agents.catalogue.persons import person_of, without_persons
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.unwanted import Unwanted, of_kind, unwanted
from appliance.agents.catalogue.vocabulary import folded_words
from appliance.agents.types import SkillInput, Slots
from appliance.messages import Locale, translate
from appliance.search.types import SearchQuery, Sort
from appliance.text import fold, words

PAGE = 5
ABOUT = 0.2
"""``price_about`` is searched this share below and above."""
KEPT = (
    "category",
    "color",
    "size",
    "gender",
    "price_min",
    "price_max",
    "price_about",
    "sort",
    "without",
    "product",
    "person",
)
"""Slots that a running search remembers."""
_SORTS: dict[str, Sort] = {
    "price_asc": "price_asc",
    "price_desc": "price_desc",
    "newest": "newest",
    "best_selling": "best_selling",
}
_GENDERS = frozenset({"men", "women", "kids", "unisex"})
_GENDER_WORDS = {"men": "nam", "women": "nữ", "kids": "trẻ em"}
_TALK, _JOINING = folded_words("talk"), folded_words("joining")
"""Words of asking; what is left of a message after them says what is wished for."""
_LOOSE = folded_words("loose")
Shift = Literal["", "cheaper", "more_expensive", "more", "other"]
_SHIFTS: dict[str, Shift] = {
    "cheaper": "cheaper",
    "more_expensive": "more_expensive",
    "more": "more",
    "other": "other",
}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A search as it was asked for."""

    category: str = ""
    """Handle in the shop, ``''`` when none is asked for or the shop has none for the key."""
    key: str = ""
    """The category as the slot names it."""
    words: str = ""
    """What else was said of the goods, folded or as said."""
    color: str = ""
    size: str = ""
    gender: str = ""
    price_min: int | None = None
    """Smallest unit, like ``price_max``."""
    price_max: int | None = None
    about: int | None = None
    sort: Sort = "relevance"
    without: Unwanted | None = None
    labelled: bool = True
    """Whether only products will do that are marked for this gender; else all that are not marked for others."""
    shift: Shift = ""

    def query(self, limit: int = PAGE, offset: int = 0) -> SearchQuery:
        """Return the search, of what can be bought now."""
        text = self.words
        if not text and not self.category and self.key:
            text = group_name(self.key)
        if self.labelled and (gender := _GENDER_WORDS.get(self.gender, "")):
            text = f"{text} {gender}".strip()
        return SearchQuery(
            text,
            category=self.category,
            price_min=self.price_min,
            price_max=self.price_max,
            in_stock=True,
            color=self.color,
            size=self.size,
            sort=self.sort,
            limit=limit,
            offset=offset,
        )

    @property
    def bounded(self) -> bool:
        """Whether a price was named."""
        return self.price_min is not None or self.price_max is not None

    @property
    def nameless(self) -> bool:
        """Whether there is no word for what is wished for but "products"."""
        told = self.category or self.key or self.words or self.color or self.size or self.without
        return not told and not (self.gender and self.labelled)

    @property
    def free(self) -> bool:
        """Whether nothing in particular is asked for."""
        told = self.category or self.key or self.words or self.color or self.size or self.gender or self.without
        return not (told or self.bounded)


def wish_of(given: SkillInput, shop: Shop) -> Wish:
    """Read the wish of a turn. Filters of the running search are in the slots already."""
    key = text_slot(given, "category") or _named_group(product_slot(given))
    without = _unwanted(given)
    if without is not None and without.kind and (split := of_kind(without.said)):
        key, without = key or split[0], split[1]
    shift = _SHIFTS.get(text_slot(given, "modifier"), "")
    if without is not None and key in without.kinds:
        # All of the group is refused with its material: what is wider goes on, from its beginning.
        key, shift = next(iter(groups().by_key[key].above), ""), "" if shift == "more" else shift
    low, high, about = prices(given, shop)
    sort, gender = text_slot(given, "sort"), text_slot(given, "gender")
    person = "" if gender in _GENDERS else (person_of(given.utterance) or text_slot(given, "person"))
    said = _words(given, key)
    return Wish(
        category=shop_category(shop.catalogue, key) if key else "",
        key=key,
        words=without_persons(said) if person else said,
        color=text_slot(given, "color"),
        size=text_slot(given, "size"),
        gender=person if person in _GENDERS else (gender if gender in _GENDERS else ""),
        labelled=person not in _GENDERS,
        price_min=low,
        price_max=high,
        about=about,
        sort=_SORTS.get(sort, "relevance"),
        without=without,
        shift=shift,
    )


def _unwanted(given: SkillInput) -> Unwanted | None:
    """Return what is not wanted, as it was typed where this message says it: the slot has no diacritics."""
    said = text_slot(given, "without")
    for mention in given.utterance.mentions:
        if mention.slot == "without" and mention.value == said:
            said = " ".join(token.marked for token in given.utterance.tokens[mention.start : mention.end])
    return unwanted(said) if said else None


def prices(given: SkillInput, shop: Shop) -> tuple[int | None, int | None, int | None]:
    """Return the lowest and highest price and the one said without bound, in smallest units."""
    low, high, about = (number_slot(given, name) for name in ("price_min", "price_max", "price_about"))
    minor_low = shop.minor(low) if low is not None else None
    minor_high = shop.minor(high) if high is not None else None
    if about is None or minor_low is not None or minor_high is not None:
        return minor_low, minor_high, None
    middle = shop.minor(about)
    return round(middle * (1 - ABOUT)), round(middle * (1 + ABOUT)), middle


def running(wish: Wish, given: SkillInput, shop: Shop) -> Slots:
    """Return the filters of the search from now on, as slots."""
    filters: Slots = {name: given.slots[name] for name in KEPT if name in given.slots}
    filters.pop("product", None)
    if wish.without is not None:
        filters["without"] = wish.without.said
    if wish.words:
        filters["product"] = wish.words
    if wish.gender:
        # A shopper who names a person asks for no label: later turns must not look for one.
        filters.pop("gender" if not wish.labelled else "person", None)
    if wish.gender and not wish.labelled:
        filters["person"] = wish.gender
    if wish.shift in ("cheaper", "more_expensive"):
        filters.pop("price_about", None)
        for name, bound in (("price_min", wish.price_min), ("price_max", wish.price_max)):
            filters.pop(name, None)
            if bound is not None:
                filters[name] = shop.main(bound)
    return filters


def named(wish: Wish, locale: Locale) -> str:
    """Return what is wished for as a noun phrase of the reader's language, prices left out."""
    text = _noun(wish, locale)
    if wish.gender and wish.labelled:
        text = translate(f"chat.search.what.{wish.gender}", locale, what=text)
    if wish.color:
        text = translate("chat.search.what.color", locale, what=text, color=speakable(colour_label(wish.color, locale)))
    if wish.size:
        text = translate("chat.search.what.size", locale, what=text, size=speakable(wish.size))
    if wish.without is not None:
        kind = "color" if wish.without.color else "thing"
        text = translate(f"chat.search.without.{kind}", locale, what=text, name=wish.without.label(locale))
    return text


def group_name(key: str) -> str:
    """Return a category key in words that search understands."""
    group = groups().by_key.get(key)
    return group.names[1] if group else key.replace("_", " ")


def group_title(key: str, locale: Locale) -> str:
    """Return a category key in the reader's language, as a chip says it."""
    return translate(f"chat.category.{key}", locale) if key in groups().by_key else key.replace("_", " ")


def residual(given: SkillInput) -> str:
    """Return the words of a message that describe goods: no politeness, no asking, no values but group and name."""
    utterance = given.utterance
    skipped = set(utterance.polite)
    for mention in utterance.mentions:
        if mention.slot not in ("category", "product", "attribute"):
            skipped.update(range(mention.start, mention.end))
    group = {
        place
        for mention in utterance.mentions
        if mention.slot == "category"
        for place in range(mention.start, mention.end)
    }
    # The "nghe" of "tai nghe" is a particle elsewhere.
    skipped -= group
    tokens = utterance.tokens[:40]
    kept = {
        place
        for place, token in enumerate(tokens)
        if place not in skipped and (place in group or token.folded not in _TALK) and token.folded.isalnum()
    }
    # "túi đi biển", "chuột không dây", "shoes for running": the word between belongs to the goods.
    kept |= {
        place
        for place, token in enumerate(tokens)
        if token.folded in _JOINING and place not in skipped and {place - 1, place + 1} <= kept
    }
    return " ".join(tokens[place].marked for place in sorted(kept))[:120]


def _words(given: SkillInput, key: str) -> str:
    said = _trimmed(product_slot(given)[:120])
    if not said and not given.slots.get("modifier"):
        grouped = any(mention.slot == "category" for mention in given.utterance.mentions)
        said = residual(given) if grouped or not key else ""
    # The group's own word adds nothing to the filter, and would miss goods that are named otherwise.
    units = read_name(said).units
    if not units or (key and (all(unit.key == key for unit in units) or _part_of_group(said, key))):
        return ""
    return said


def _trimmed(said: str) -> str:
    """Return words without what joined them to others (``jacket but``)."""
    kept = said.split()
    while kept and fold(kept[-1]) in _LOOSE:
        kept.pop()
    while kept and fold(kept[0]) in _LOOSE:
        kept.pop(0)
    return " ".join(kept)


def _part_of_group(said: str, key: str) -> bool:
    """Tell whether words are but a piece of the group's name (the ``tai`` of ``tai nghe``)."""
    spoken = words(said)
    return set(spoken) < set(words(group_name(key)))


def _named_group(phrase: str) -> str:
    """Return the product group that a phrase names (``balo đi học``), ``''`` for none."""
    known = groups().by_key
    return next((unit.key for unit in read_name(phrase).units if unit.key in known and unit.key not in WIDE), "")


def _noun(wish: Wish, locale: Locale) -> str:
    if wish.key in groups().by_key and (not wish.words or not _says_more(wish)):
        return group_title(wish.key, locale)
    said = speakable(wish.words or wish.key.replace("_", " "))
    return said or translate("chat.search.what.anything", locale)


def _says_more(wish: Wish) -> bool:
    """Whether the words name the group themselves and can stand alone (``túi tote``)."""
    units = read_name(wish.words).units
    return any(unit.key == wish.key for unit in units)
