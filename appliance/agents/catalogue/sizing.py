"""Intent ``size_advice``: general advice, held against the sizes that the product really has."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from appliance.agents.catalogue import sizes as tables
from appliance.agents.catalogue.attributes import value_of
from appliance.agents.catalogue.context import in_talk, meant, number_slot, product_slot, refs_of, text_slot
from appliance.agents.catalogue.facts import Item, about, available, listed, matching, part, sizes_of
from appliance.agents.catalogue.names import read_name
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.vocabulary import folded_words
from appliance.agents.types import MEASURES, Outcome, Part, Pending, SkillInput
from appliance.text import words

_MEN, _WOMEN = frozenset({"nam", "men", "mens", "man", "male"}), frozenset({"nu", "women", "womens", "woman", "female"})
_BODY = folded_words("body")
_WOMENS_GOODS = frozenset({"dress", "skirt"})
_FOOTWEAR = frozenset({"shoes", "sneakers", "sandals"})


class _Measures(NamedTuple):
    height: int | None
    weight: int | None
    foot: int | None
    usual: str

    @property
    def any(self) -> bool:
        return bool(self.height or self.weight or self.foot or self.usual)


def advise(given: SkillInput, shop: Shop) -> Outcome:
    """Answer which size fits."""
    item = _product(given, shop)
    measures = _measures(given)
    genders = _genders(given, item)
    if not measures.any:
        outside = any(number_slot(given, name) for name in MEASURES)
        return _outside() if outside else _ask(item, given, shop)
    parts = _advice(measures, genders, item, given)
    outcome = Outcome(
        action="answer", parts=parts, quick_replies=("stock", "buy", "person") if item else ("newest", "person")
    )
    return about((item,), outcome, given.locale, shop.currency) if item and item.product else outcome


def _product(given: SkillInput, shop: Shop) -> Item | None:
    """Return the product that is asked about, if there is one; advice can do without."""
    state = given.state
    # "chân 25cm" names a foot, no product.
    if set(words(product_slot(given))) <= _BODY:
        given = msgspec.structs.replace(
            given, slots={name: value for name, value in given.slots.items() if name != "product"}
        )
    named = product_slot(given) or refs_of(given) or given.slots.get("ref") == "it"
    if not named and state.focus is None and len(state.shown) != 1:
        return None
    found = meant(given, shop)
    if found.unheard:
        return in_talk(given, shop)
    return found.items[0] if found.items else None


def _measures(given: SkillInput) -> _Measures:
    return _Measures(
        _between(number_slot(given, "height_cm"), tables.HEIGHT_CM),
        _between(number_slot(given, "weight_kg"), tables.WEIGHT_KG),
        _between(number_slot(given, "foot_cm"), tables.FOOT_CM),
        text_slot(given, "size").upper()[:10],
    )


def _between(value: int | None, bounds: tuple[int, int]) -> int | None:
    return value if value is not None and bounds[0] <= value <= bounds[1] else None


def _genders(given: SkillInput, item: Item | None) -> tuple[tables.Gender, ...]:
    said = text_slot(given, "gender")
    if said in ("men", "women"):
        return ("men",) if said == "men" else ("women",)
    if item is not None and item.product is not None and item.card is not None:
        marked = set(words(item.product.attributes.get("gender", ""))) | {
            word for text in (*item.product.tags, item.product.title, item.product.title_en) for word in words(text)
        }
        goods = read_name(item.product.title).keys | read_name(item.product.title_en).keys
        if goods & _WOMENS_GOODS or (marked & _WOMEN and not marked & _MEN):
            return ("women",)
        if marked & _MEN and not marked & _WOMEN:
            return ("men",)
    return ("women", "men")


def _outside() -> Outcome:
    """Say that the measures, such as a small child's, are in no table; a person is asked instead of a guess made."""
    pending = Pending(kind="handoff", intent="human_handoff")
    return Outcome(action="answer", parts=(part("size.outside"),), quick_replies=("yes", "no"), pending=pending)


def _ask(item: Item | None, given: SkillInput, shop: Shop) -> Outcome:
    """Ask for the measures; what the product's own chart says is told at once."""
    pending = Pending(kind="measures", intent=given.intent, slots={**given.slots})
    shoes = item is not None and bool(read_name(item.title(given.locale)).keys & _FOOTWEAR)
    asked = part("size.ask_foot" if shoes else "size.ask")
    if item is None or item.product is None:
        return Outcome(action="clarify", parts=(asked,), pending=pending)
    parts: list[Part] = []
    title = item.title(given.locale)
    if chart := value_of(item.product, "size_chart"):
        parts.append(part("size.chart", title=title, chart=chart))
    elif names := sizes_of(item.product.variants):
        parts.append(part("info.sizes", title=title, sizes=listed(names)))
    else:
        outcome = Outcome(
            action="answer", parts=(part("size.one_size", title=title),), quick_replies=("person", "price")
        )
        return about((item,), outcome, given.locale, shop.currency)
    outcome = Outcome(action="clarify", parts=(*parts, asked), pending=pending)
    return about((item,), outcome, given.locale, shop.currency)


def _advice(
    measures: _Measures, genders: tuple[tables.Gender, ...], item: Item | None, given: SkillInput
) -> tuple[Part, ...]:
    product = item.product if item else None
    names = sizes_of(product.variants) if product else []
    if item is not None and product is not None and not names:
        return (part("size.one_size", title=item.title(given.locale)),)
    if product and measures.weight and (chart := value_of(product, "size_chart")):
        if found := tables.chart_size(chart, measures.weight):
            return (part("size.by_chart", size=found), *_there(found, item, given))
        return (part("size.chart", title=item.title(given.locale) if item else "", chart=chart), part("size.caveat"))
    wanted = _wanted(measures, genders, names)
    if len(set(wanted.values())) > 1:
        said = part("size.both", women=wanted["women"], men=wanted["men"])
        there = sizes_of(filter(available, product.variants)) if product else []
        return (said, *((part("stock.sizes", sizes=listed(there)),) if there else ()), part("size.caveat"))
    size = next(iter(wanted.values()))
    if measures.foot:
        said = part("size.shoe", foot=measures.foot, size=size)
    elif measures.height or measures.weight:
        said = part("size.advice", size=size)
    else:
        said = part("size.usual", size=size)
    return (said, *_there(size, item, given), part("size.caveat"))


def _wanted(measures: _Measures, genders: tuple[tables.Gender, ...], names: list[str]) -> dict[str, str]:
    """Return the size by gender, in the kind of sizes that the product has."""
    if measures.foot:
        return {"any": str(tables.shoe(measures.foot))}
    if measures.height is None and measures.weight is None:
        return {"any": measures.usual}
    numbers = [int(name) for name in names if name.isdigit()]
    weight = measures.weight
    if numbers and weight is not None and all(23 <= number <= 40 for number in numbers):
        return {gender: str(tables.waist(weight, gender)) for gender in genders}
    return {gender: tables.letter(measures.height, weight, gender) for gender in genders}


def _there(size: str, item: Item | None, given: SkillInput) -> tuple[Part, ...]:
    """Return whether the product has the size now, and else which comes nearest."""
    if item is None or item.product is None:
        return ()
    title, product = item.title(given.locale), item.product
    if any(map(available, matching(product, size, ""))):
        return (part("size.there", title=title, size=size),)
    there = sizes_of(filter(available, product.variants))
    near = tables.nearest(size, there)
    message = "size.sold_out" if matching(product, size, "") else "size.not_made"
    if not there:
        return (part("size.all_out", title=title),)
    if not near:
        return (part(f"{message}_but", title=title, size=size, sizes=listed(there)),)
    return (part(message, title=title, size=size, near=near, sizes=listed(there)),)
