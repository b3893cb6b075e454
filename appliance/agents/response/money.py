"""Money as readers of each language write it."""

from __future__ import annotations

from appliance.agents.types import Money
from appliance.domain import decimals
from appliance.messages import Locale

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def format_money(money: Money, locale: Locale) -> str:
    """Return an amount for reading: ``289.000đ`` in Vietnamese, ``289,000₫`` and ``$19.99`` in English."""
    places = decimals(money.currency)
    whole, rest = divmod(abs(money.amount), 10**places)
    group, point = (".", ",") if locale == "vi" else (",", ".")
    digits = f"{whole:,}".replace(",", group)
    if places:
        digits += f"{point}{rest:0{places}d}"
    sign = "-" if money.amount < 0 else ""
    if money.currency == "VND":
        return f"{sign}{digits}{'đ' if locale == 'vi' else '₫'}"
    symbol = _SYMBOLS.get(money.currency)
    if symbol is None:
        return f"{sign}{digits} {money.currency}"
    return f"{sign}{digits} {symbol}" if locale == "vi" else f"{sign}{symbol}{digits}"
