"""Intent ``product_info``: a fact from a product's attributes, versions or description, or that it is not known."""

from __future__ import annotations

from appliance.agents.catalogue.attributes import attribute_name, label_key, quoted, summary, value_of
from appliance.agents.catalogue.context import Meant, by_name, in_talk, meant, product_slot, refs_of, text_slot
from appliance.agents.catalogue.facts import (
    Item,
    about,
    available,
    colours_of,
    listed,
    money,
    part,
    public_attributes,
    sizes_of,
)
from appliance.agents.catalogue.names import read_name
from appliance.agents.catalogue.pricing import gone
from appliance.agents.catalogue.questions import asked_attribute, asked_of, held, words_of
from appliance.agents.catalogue.shop import Shop
from appliance.agents.types import Outcome, Part, Pending, SkillInput
from appliance.domain import Product
from appliance.messages import Locale, translate

MAX_ATTRIBUTES = 6
_SECOND_BEST = {"size_chart": ("dimension",), "dimension": ("capacity", "size_chart"), "capacity": ("dimension",)}
"""Attributes that often hold what another was asked for."""


def info(given: SkillInput, shop: Shop) -> Outcome:
    """Answer a question about a product."""
    found, name = _meant(given, shop)
    if found.instead is not None:
        return found.instead
    items = found.items[:3]
    outcomes = [_one(item, given, name) for item in items]
    whole = outcomes[0]
    if len(outcomes) > 1:
        whole = Outcome(
            action="answer",
            parts=tuple(one for outcome in outcomes for one in outcome.parts),
            answered=any(outcome.answered for outcome in outcomes),
        )
    return about(items, whole, given.locale, shop.currency)


def _meant(given: SkillInput, shop: Shop) -> tuple[Meant, str]:
    """Return the products, and the words that named them: "giữ nóng" is asked of the product in talk, it names none."""
    phrase = product_slot(given)
    here = in_talk(given, shop) if phrase and not refs_of(given) else None
    if here is None:
        return meant(given, shop), phrase
    groups = any(unit.key for unit in read_name(phrase).units)
    if not groups and here.product is not None and held(here.product, words_of(phrase)):
        return Meant((here,)), ""
    found = by_name(phrase, given, shop)
    return (Meant((here,)), "") if found.unheard and not groups else (found, phrase)


def label(attribute: str, locale: Locale) -> str:
    """Return what an attribute is called in the reader's language; the shop's own name where it is none of ours."""
    known = label_key(attribute_name(attribute))
    return translate(f"chat.info.label.{known}", locale) if known else attribute.replace("_", " ").strip()


def _one(item: Item, given: SkillInput, name: str) -> Outcome:
    product, title = item.product, item.title(given.locale)
    slot = text_slot(given, "attribute")
    attribute = asked_attribute(given) or (attribute_name(slot) if slot else "")
    if product is None:
        return gone(item) if item.shown.product_id else _unknown(title, attribute, given)
    asked = asked_of(given, item, name)
    if attribute and (told := _attribute(attribute, item, product, given)):
        return told
    if found := held(product, asked):
        if found.attribute:
            said = label(found.attribute, given.locale)
            return _told(part("info.attribute", title=title, label=said, value=found.text))
        return _told(part("info.quoted", title=title, sentence=found.text))
    if attribute or (asked.words and not asked.overview):
        return _unknown(title, attribute, given)
    return _overview(item, product, given)


def _attribute(attribute: str, item: Item, product: Product, given: SkillInput) -> Outcome | None:
    """Answer a question for an attribute that has a name, ``None`` when the shop did not write it down."""
    title = item.title(given.locale)
    if attribute == "color_options":
        return _colours(title, product, given)
    if attribute == "photo":
        message = "info.photo" if product.thumbnail else "info.no_photo"
        return _told(part(message, title=title), answered=bool(product.thumbnail))
    for name in (attribute, *_SECOND_BEST.get(attribute, ())):
        if value := value_of(product, name):
            return _told(part("info.attribute", title=title, label=label(name, given.locale), value=value))
    if attribute == "size_chart" and (sizes := sizes_of(product.variants)):
        there = sizes_of(filter(available, product.variants))
        said = part("info.sizes", title=title, sizes=listed(sizes))
        out = [name for name in sizes if name not in there]
        return _told(said, *((part("stock.sizes_out", sizes=listed(out)),) if out else ()))
    if sentence := quoted(product, attribute, given.locale):
        return _told(part("info.quoted", title=title, sentence=sentence))
    return None


def _colours(title: str, product: Product, given: SkillInput) -> Outcome:
    every = colours_of(product.variants, given.locale)
    there = colours_of(filter(available, product.variants), given.locale)
    if not every:
        return _unknown(title, "color_options", given)
    parts = [part("info.colors", title=title, count=len(every), colors=listed(every))]
    if out := [name for name in every if name not in there]:
        parts.append(part("info.colors_out", colors=listed(out)))
    return _told(*parts)


def _overview(item: Item, product: Product, given: SkillInput) -> Outcome:
    title = item.title(given.locale)
    parts: list[Part] = []
    if product.price is not None:
        parts.append(part("price.one", title=title, price=money(product.price, product.currency)))
    if sentence := summary(product, given.locale):
        parts.append(part("info.sentence", sentence=sentence))
    attributes = list(public_attributes(product).items())[:MAX_ATTRIBUTES]
    parts += [part("info.line", label=_capital(label(key, given.locale)), value=value) for key, value in attributes]
    there = list(filter(available, product.variants))
    if sizes := sizes_of(there):
        parts.append(part("stock.sizes", sizes=listed(sizes)))
    if colours := colours_of(there, given.locale):
        parts.append(part("stock.colors", colors=listed(colours)))
    return _told(*parts) if parts else _unknown(title, "", given)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _told(*parts: Part, answered: bool = True) -> Outcome:
    return Outcome(action="answer", parts=parts, quick_replies=("price", "stock", "buy", "similar"), answered=answered)


def _unknown(title: str, attribute: str, given: SkillInput) -> Outcome:
    """The catalogue does not say: nothing is guessed, and a person is offered."""
    said = part("info.unknown", title=title)
    if attribute and (attribute == "color_options" or label_key(attribute)):
        name = (
            translate("chat.info.label.color_options", given.locale)
            if attribute == "color_options"
            else label(attribute, given.locale)
        )
        said = part("info.unknown_attribute", title=title, label=name)
    return Outcome(
        action="answer",
        parts=(said,),
        quick_replies=("person", "price", "stock"),
        pending=Pending(kind="handoff", intent="human_handoff"),
        answered=False,
    )
