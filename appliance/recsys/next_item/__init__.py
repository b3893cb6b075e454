"""The next item of a history: sequential rules, a walk along them, neighbours, content and popularity in one blend."""

from appliance.recsys.next_item.model import NextItemModel
from appliance.recsys.next_item.specs import PARTS, Choice

__all__ = ["PARTS", "Choice", "NextItemModel"]
