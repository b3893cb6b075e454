"""The word lists of ``data/words.toml``, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from appliance.agents.language.matching import data
from appliance.data_files import read_data


class ServiceWords(NamedTuple):
    """Folded words unless said otherwise."""

    places: Mapping[str, tuple[str, ...]]
    """Further spellings of a place by its key."""
    provinces: frozenset[str]
    """Keys of places inside Viet Nam."""
    elsewhere: tuple[str, ...]
    abroad: tuple[str, ...]
    payment: Mapping[str, tuple[str, ...]]
    """Names of a way to pay by its key, with diacritics."""
    card_kinds: frozenset[str]
    negations: frozenset[str]
    """With diacritics."""
    haggling: tuple[re.Pattern[str], ...]
    open_now: tuple[re.Pattern[str], ...]
    daily: tuple[str, ...]
    general: frozenset[str]
    """Pairs of words that name an answer as a whole."""
    grammar: frozenset[str]
    status: Mapping[str, str]
    durations: tuple[str, ...]
    """Words that ask how long something takes in general."""
    free: tuple[str, ...]
    from_amount: tuple[str, ...]
    """With diacritics, like ``above_amount``."""
    above_amount: tuple[str, ...]
    """Words before an amount that itself is not enough."""
    own: frozenset[str]
    """Words that make a question one about the shopper's own order."""


@lru_cache(maxsize=1)
def service_words() -> ServiceWords:
    """Read the word lists."""
    tables = read_data("appliance.agents.service", "words", dict[str, Any])
    haggling = [*tables["haggling"]["vi"], *tables["haggling"]["en"]]
    general = tables["clauses"]["general"].replace("\n", "|").split("|")
    return ServiceWords(
        places={key: tuple(names) for key, names in tables["places"].items()},
        provinces=frozenset((*data("places")["names"], *tables["provinces"]["keys"].split())),
        elsewhere=tuple(tables["provinces"]["elsewhere"]),
        abroad=tuple(tables["provinces"]["abroad"]),
        payment={key: tuple(names) for key, names in tables["payment"].items()},
        card_kinds=frozenset(tables["cards"]["kinds"]),
        negations=frozenset(tables["negations"]["words"]),
        haggling=tuple(map(re.compile, haggling)),
        open_now=tuple(map(re.compile, tables["opening"]["now"])),
        daily=tuple(tables["opening"]["daily"]),
        general=frozenset(pair.strip() for pair in general if pair.strip()),
        grammar=frozenset(f"{tables['grammar']['vi']} {tables['grammar']['en']}".split()),
        status=tables["status"],
        durations=tuple(tables["refunds"]["durations"]),
        free=tuple(tables["free"]["words"]),
        from_amount=tuple(tables["free"]["from"]),
        above_amount=tuple(tables["free"]["above"]),
        own=frozenset(tables["refunds"]["own"].split()),
    )
