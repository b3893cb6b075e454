"""The records that pass between the agents. They are frozen: an agent answers with a new record and keeps nothing.

Money is in the smallest unit of the shop's currency in facts and in main units in slots, as people say it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from appliance.messages import Locale

Action = Literal[
    "answer",
    "lookup",
    "ask_order_id",
    "ask_verify",
    "clarify",
    "clarify_or_howto",
    "handoff",
    "offer_handoff",
    "redirect",
    "deescalate",
    "refuse",
]
"""What the assistant does next; the words of shared/data/chat."""
HandledBy = Literal["rules", "llm", "handoff"]
Screen = Literal["", "injection", "abuse", "spam", "noise"]
SlotValue = str | int | list[int]
Slots = dict[str, SlotValue]

SHOPPING = (
    "product_search",
    "product_price",
    "product_availability",
    "product_info",
    "product_compare",
    "product_recommend",
    "size_advice",
    "promotion",
    "order_place",
)
ORDERS = ("order_status", "order_cancel", "order_change", "address_update")
POLICIES = (
    "shipping_fee",
    "shipping_time",
    "shipping_options",
    "return_policy",
    "return_request",
    "refund_status",
    "cancellation_policy",
    "payment_methods",
    "payment_issue",
    "warranty",
    "invoice",
    "store_info",
)
PEOPLE = ("human_handoff", "complaint", "feedback", "account_help", "newsletter")
CONVERSATION = (
    "greeting",
    "goodbye",
    "thanks",
    "affirm",
    "deny",
    "bot_identity",
    "abuse",
    "security_probe",
    "out_of_scope",
    "unclear",
)
INTENTS: tuple[str, ...] = (*SHOPPING, *ORDERS, *POLICIES, *PEOPLE, *CONVERSATION)
"""The canonical intents, 40 in all, in the order of their codes."""
SEARCHES = frozenset({"product_search", "product_recommend"})
"""Intents that ask for a list of products."""
SHIPPING = frozenset({"shipping_fee", "shipping_time", "shipping_options"})
ABOUT_ORDER = frozenset((*ORDERS, "return_request", "refund_status"))
"""Intents about one order that was placed."""
TRANSACTIONAL = ABOUT_ORDER | {"order_place"}
"""Intents that act on an order; never guessed."""
MEASURES = frozenset({"height_cm", "weight_kg", "foot_cm"})
"""Slots of a body."""
PRICES = frozenset({"price_min", "price_max", "price_about"})
"""Slots of a budget."""


class Token(msgspec.Struct, frozen=True, gc=False):
    """One word after repair. An abbreviation that stands for two words gives two tokens with one place."""

    raw: str
    """As typed, NFC."""
    marked: str
    """Lower case with diacritics, tone mark in one canonical place; the repaired word where it was repaired."""
    folded: str
    """``appliance.text.fold`` of ``marked``."""
    start: int
    """Place in ``Utterance.text``, in characters."""
    end: int


class Mention(msgspec.Struct, frozen=True, gc=False):
    """A value that a message states, as the README of shared/data/chat names and types it."""

    slot: str
    value: str | int
    start: int
    """First token, from 0."""
    end: int
    """One past the last token."""
    certain: bool = True
    """``False`` for a reading that needs the conversation, as a bare number."""


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """What the language agent makes of a message."""

    text: str
    """NFC, control characters gone, white space single, at most the permitted length."""
    tokens: tuple[Token, ...]
    locale: Locale
    """The language of the message: text that is mixed or unmarked counts as Vietnamese."""
    mixed: bool = False
    marked: bool = False
    """Whether any word carries a diacritic."""
    mentions: tuple[Mention, ...] = ()
    """In the order of the tokens; they do not overlap unless ``certain`` is false."""
    polite: tuple[int, ...] = ()
    """Tokens that carry no request: forms of address, particles, wrappers as ``cho mình hỏi``."""
    screen: Screen = ""
    """What the message as a whole is, when it is no request at all (abuse without one, an attack, noise)."""
    angry: bool = False
    repairs: tuple[tuple[str, str], ...] = ()
    """Typed word to what it was read as."""

    @property
    def folded(self) -> str:
        """All words, folded and joined by single spaces."""
        return " ".join(token.folded for token in self.tokens)

    @property
    def core(self) -> tuple[Token, ...]:
        """The tokens that are not mere politeness."""
        skipped = set(self.polite)
        return tuple(token for place, token in enumerate(self.tokens) if place not in skipped)


class Request(msgspec.Struct, frozen=True):
    """One of several requests in a message, with its own values and words."""

    intent: str
    slots: Slots
    utterance: Utterance


class Interpretation(msgspec.Struct, frozen=True, kw_only=True):
    """What the intent agent makes of an utterance in its conversation."""

    intent: str
    intents: tuple[str, ...]
    """All that are asked, in the order said."""
    confidence: float
    """Calibrated probability that ``intent`` is right."""
    slots: Slots = {}
    rule: str = ""
    """The rule that decided; ``''`` when the model did."""
    scores: tuple[tuple[str, float], ...] = ()
    """The model's best intents with their probabilities."""
    requests: tuple[Request, ...] = ()
    """The requests of a message that holds several; ``slots`` are all of theirs together."""


class ShownProduct(msgspec.Struct, frozen=True, gc=False):
    """A product of a list that the shopper saw."""

    product_id: str
    """``''`` for one that is known by its title only, as in an evaluation case."""
    title: str
    price: int | None = None
    """Smallest unit."""


PendingKind = Literal[
    "order_id", "verify", "product", "confirm", "details", "measures", "handoff", "contact", "purchase"
]


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The one question that the assistant asked and waits for."""

    kind: PendingKind
    """``order_id`` and ``verify`` (phone or e-mail); ``product``: which one; ``confirm``: an explicit yes to what
    ``intent`` and ``slots`` say; ``details``: what to change; ``measures``: height and weight; ``handoff``: whether a
    person shall take over; ``contact``: where a person can reach the shopper; ``purchase``: whether to buy what
    ``slots`` say."""
    intent: str
    """The intent that goes on once the answer is there."""
    slots: Slots = {}


class DialogueState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a conversation; stored as JSON after every turn."""

    locale: Locale | None = None
    shown: tuple[ShownProduct, ...] = ()
    """The last list, in its order."""
    focus: ShownProduct | None = None
    """The product just discussed."""
    filters: Slots = {}
    """The filters of the running search."""
    pending: Pending | None = None
    last_intent: str = ""
    last_slots: Slots = {}
    last_reply: str = ""
    order_id: str = ""
    """Number of the order that was verified in this conversation; ``''`` when none is."""
    offered: int = 0
    """How many products of the running search were shown, for "more"."""
    failures: int = 0
    """Turns in a row that could not be answered."""
    turns: int = 0
    last_at: float = 0.0


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount to be written for the reader's language."""

    amount: int
    """Smallest unit."""
    currency: str


Value = str | int | float | Money
"""A value of a message; ``Money`` is formatted by the response agent."""


class VariantFact(msgspec.Struct, frozen=True, gc=False):
    """One version of a product as the store has it now."""

    size: str
    color: str
    """As the shop writes it."""
    price: int | None
    stock: int | None
    """``None``: not counted, always available."""


class ProductFact(msgspec.Struct, frozen=True, kw_only=True):
    """A product as the store has it now."""

    product_id: str
    handle: str
    title: str
    """In the reader's language."""
    thumbnail: str = ""
    price: int | None = None
    """Smallest unit."""
    currency: str = "VND"
    in_stock: bool = True
    attributes: dict[str, str] = {}
    variants: tuple[VariantFact, ...] = ()
    reason: str = ""
    """Why it is recommended, in the reader's language."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """Where an answer comes from."""

    kind: Literal["faq", "product", "order", "setting"]
    id: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of an answer: a message of the catalogue with its values, or the owner's own words."""

    message: str = ""
    """Id below ``chat.``; ``''`` when ``text`` is given."""
    values: dict[str, Value] = {}
    text: str = ""
    """Words of the owner (an FAQ answer), sent as they are."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a skill found: the facts of an answer, from which the response agent words it."""

    action: Action
    parts: tuple[Part, ...] = ()
    products: tuple[ProductFact, ...] = ()
    """Cards to show, in order. They become the list that "the second one" refers to."""
    sources: tuple[Source, ...] = ()
    quick_replies: tuple[str, ...] = ()
    """Message ids below ``chat.chips.``, or texts that start with ``=`` and are shown as they are (``=Size M``)."""
    pending: Pending | None = None
    focus: ShownProduct | None = None
    filters: Slots | None = None
    """The running search from now on; ``None`` leaves it as it is."""
    offered: int = 0
    order_id: str = ""
    """Set when an order was verified in this turn."""
    answered: bool = True
    """``False`` when the shop has no answer: the turn joins the unanswered questions."""
    handoff: str = ""
    """Why a person is called now; ``''``: not."""
    amounts: tuple[int, ...] = ()
    """Further amounts that the answer may state because they were computed from facts (a sum), smallest unit."""


class SkillInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalogue and the service agent get: one intent at a time."""

    intent: str
    slots: Slots
    utterance: Utterance
    state: DialogueState
    locale: Locale
    """The language of the answer."""
    session_id: str
    """Of the conversation; attempts are counted by it."""
    user_id: str = ""
    """The customer who is signed in, if any."""
    client: str = ""
    """The address of the caller, so that guesses are counted across conversations; ``''`` when unknown."""
    now: float
    """Unix seconds."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer as the shopper gets it."""

    text: str
    products: tuple[ProductFact, ...] = ()
    quick_replies: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One agent's line of the trace."""

    agent: str
    took_ms: float
    output: dict[str, object]
