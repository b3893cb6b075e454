"""Small integers for product ids, stable as long as the process lives, whatever models come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class ProductCodes:
    """Ids to codes and back. Codes are never reused; reading needs no lock, numbering takes one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: dict[str, int] = {}
        self._ids: list[str] = []

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, product_id: str) -> int:
        """Return the code of an id, -1 when it has none."""
        return self._codes.get(product_id, -1)

    def number(self, product_ids: Iterable[str]) -> list[int]:
        """Return the codes of ids, giving new ones where needed."""
        with self._lock:
            return [self._number(product_id) for product_id in product_ids]

    def id(self, code: int) -> str:
        """Return the id of a code."""
        return self._ids[code]

    def _number(self, product_id: str) -> int:
        code = self._codes.get(product_id)
        if code is None:
            code = len(self._ids)
            # The id is in place before anyone can look its code up.
            self._ids.append(product_id)
            self._codes[product_id] = code
        return code
