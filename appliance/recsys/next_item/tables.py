"""Builds the parts' neighbour tables from one set of histories, keeping what several settings share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from appliance.recsys.base import Doubles, Flags
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.next_item import counts
from appliance.recsys.next_item.specs import (
    PARTS,
    ContentSpec,
    FollowsSpec,
    NeighboursSpec,
    RulesSpec,
    Specs,
    WalkSpec,
)
from appliance.recsys.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_array

WIDTH = 100
"""Neighbours kept of an item."""
WIDE = 200
"""Neighbours kept where many score alike: content and the second step."""


@dataclass
class Workshop:
    """Tables over ``size`` items from ``sequences`` and attributes float32[size, features]."""

    sequences: Sequences
    size: int
    features: csr_array[Any] | None
    rows: Flags | None = None
    """The rows of tables that are needed, all by default: trying settings needs those of the cases' histories."""
    _shared: dict[object, Any] = field(default_factory=dict)
    _tables: dict[str, tuple[object, NeighbourTable]] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that there is data for."""
        return tuple(part for part in PARTS if part != "content" or self.features is not None)

    @property
    def support(self) -> Doubles:
        """How often each item was taken, float64[size]."""
        out: Doubles = self._once("support", lambda: counts.support_of(self.sequences, self.size))
        return out

    def table(self, part: str, specs: Specs) -> NeighbourTable:
        """Return a part's table under the given settings; where only the decay changed it is not built again."""
        settings = msgspec.structs.replace(getattr(specs, part), decay=1.0)
        key = (part, settings, specs.rules.reverse, specs.rules.shrink)
        if part not in self._tables or self._tables[part][0] != key:
            self._tables[part] = (key, self._built(part, specs))
        return self._tables[part][1]

    def _built(self, part: str, specs: Specs) -> NeighbourTable:
        if part == "rules":
            return self._rules(specs.rules)
        if part == "follows":
            return self._follows(specs.follows)
        if part == "walk":
            return self._walk(specs.rules, specs.walk)
        if part == "neighbours":
            return self._neighbours(specs.neighbours)
        return self._content(specs.content)

    def popularity(self) -> Doubles:
        """Return log(1 + support), float64[size]."""
        return np.log1p(self.support)

    def _rules(self, spec: RulesSpec) -> NeighbourTable:
        return counts.strongest(counts.only(self._scored_rules(spec, spec.support), self.rows), WIDTH)

    def _follows(self, spec: FollowsSpec) -> NeighbourTable:
        beside = self._once("beside", lambda: counts.following(self.sequences, self.size, reach=1))
        scored = counts.normalised(beside, self.support, other=spec.support)
        return counts.strongest(counts.only(scored, self.rows), WIDTH)

    def _walk(self, rules: RulesSpec, spec: WalkSpec) -> NeighbourTable:
        steps = self._once(
            ("steps", rules.reverse, rules.shrink, spec.support),
            lambda: counts.strongest(self._scored_rules(rules, spec.support), WIDTH),
        )
        return counts.second_step(steps, WIDE, self.rows)

    def _scored_rules(self, spec: RulesSpec, support: float) -> csr_array[Any]:
        ahead = self._once("following", lambda: counts.following(self.sequences, self.size))
        both = (ahead + spec.reverse * ahead.T).tocsr() if spec.reverse else ahead
        return counts.normalised(both, self.support, other=support, shrink=spec.shrink)

    def _neighbours(self, spec: NeighboursSpec) -> NeighbourTable:
        pairs = self._once(("together", spec.damping), lambda: counts.together(self.sequences, self.size, spec.damping))
        scored = counts.normalised(pairs, self.support, other=spec.support, shrink=spec.shrink)
        return counts.strongest(counts.only(scored, self.rows), WIDTH)

    def _content(self, spec: ContentSpec) -> NeighbourTable:
        if self.features is None:
            return NeighbourTable.empty(self.size, 1)
        return counts.similar(
            self.features, self.support, idf=spec.idf, popular=spec.popular, width=WIDE, rows=self.rows
        )

    def _once(self, key: object, make: Any) -> Any:
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]
