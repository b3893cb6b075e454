"""The response agent: words what the skills found, formats amounts for the reader, and checks what it states."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from appliance.agents.response.grounding import invented, owners_words, stated, unfounded
from appliance.agents.response.money import format_money
from appliance.agents.types import Money, Outcome, Part, ProductFact, Reply, Source, Value
from appliance.messages import Locale, translate, wordings

MAX_CARDS = 10
MAX_QUICK_REPLIES = 5
_SENTENCE_ENDS = (".", "!", "?", ":", "…", "\n")

log = structlog.get_logger(__name__)


class ResponseInput(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one answer."""

    outcomes: tuple[Outcome, ...]
    locale: Locale
    variation: int = 0
    """Which of several wordings: the number of the turn, so that a conversation does not repeat itself."""
    conversation: str = ""
    """Mixed into the choice, so that not every shopper reads the same first sentence."""
    text: str = ""
    """A language model's wording of the outcomes; used only if everything in it is founded."""


class ResponseOutput(msgspec.Struct, frozen=True):
    """The answer, and the amounts that were held back because no fact states them."""

    reply: Reply
    unfounded: tuple[int, ...] = ()


class ResponseAgent:
    """Composes answers."""

    name = "response"

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def run(self, given: ResponseInput) -> ResponseOutput:
        """Word an answer. A sentence with an amount that no fact states is left out and reported."""
        known = stated(given.outcomes)
        parts = _last_of_each(part for outcome in given.outcomes for part in outcome.parts)
        owner = list(owners_words(parts))
        owner += [value for outcome in given.outcomes for product in outcome.products for value in _texts_of(product)]
        faults = invented(given.text, known, owner, self._currency) if given.text else []
        if given.text and not faults:
            return ResponseOutput(self._reply(given.text, given))
        sentences: list[str] = []
        for sentence in (self._worded(part, given) for part in parts):
            wrong = unfounded(sentence, known, owner, self._currency)
            if wrong:
                log.error("unfounded_amount", amounts=wrong)
                faults += wrong
            else:
                sentences.append(sentence)
        text = _joined(sentences) or translate("chat.checked.withheld", given.locale)
        return ResponseOutput(self._reply(text, given), tuple(faults))

    def _reply(self, text: str, given: ResponseInput) -> Reply:
        products = [product for outcome in given.outcomes for product in outcome.products]
        sources: list[Source] = [source for outcome in given.outcomes for source in outcome.sources]
        chips = [chip for outcome in reversed(given.outcomes) for chip in outcome.quick_replies]
        return Reply(
            text=text,
            products=tuple(_once(products)[:MAX_CARDS]),
            quick_replies=tuple(dict.fromkeys(chip_text(chip, given.locale) for chip in chips))[:MAX_QUICK_REPLIES],
            sources=tuple(dict.fromkeys(sources)),
        )

    def _worded(self, part: Part, given: ResponseInput) -> str:
        if part.text:
            return part.text
        choices = wordings(f"chat.{part.message}", given.locale)
        seed = zlib.crc32(given.conversation.encode()) + given.variation
        values = {name: _shown(value, given.locale) for name, value in part.values.items()}
        return choices[seed % len(choices)].format(**values)


def chip_text(chip: str, locale: Locale) -> str:
    """Return what a quick reply says: a message of the catalogue, or its own text after ``=``."""
    return chip[1:] if chip.startswith("=") else translate(f"chat.chips.{chip}", locale)


def _shown(value: Value, locale: Locale) -> str:
    if isinstance(value, Money):
        return format_money(value, locale)
    if isinstance(value, float):
        return f"{value:g}".replace(".", "," if locale == "vi" else ".")
    return str(value)


def _texts_of(product: ProductFact) -> Iterable[str]:
    yield product.title
    yield from product.attributes.values()


def _last_of_each(parts: Iterable[Part]) -> list[Part]:
    """Drop what is said again further on: two requests without an answer offer a person once, at the end."""
    kept: list[Part] = []
    for part in reversed(list(parts)):
        if part not in kept:
            kept.append(part)
    return kept[::-1]


def _once(products: Sequence[ProductFact]) -> list[ProductFact]:
    return list({product.product_id or product.title: product for product in products}.values())


def _joined(sentences: Sequence[str]) -> str:
    """Join sentences: with spaces, after a list with a line break, and with one polite opening for all of them."""
    text = ""
    for sentence in sentences:
        stripped = sentence.rstrip()
        if not stripped:
            continue
        if not text:
            text = stripped
        elif stripped.startswith("\n") or text.endswith("\n"):
            text += stripped
        else:
            end = "" if text.endswith(_SENTENCE_ENDS) else "."
            text += ("\n" if "\n" in text else f"{end} ") + _without_opening(stripped)
    return text


def _without_opening(sentence: str) -> str:
    """Return a further sentence without the "Dạ" that the first has said."""
    rest = sentence.removeprefix("Dạ").lstrip(", ")
    return rest[:1].upper() + rest[1:] if rest != sentence else sentence
