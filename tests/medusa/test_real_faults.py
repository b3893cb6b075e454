"""Faults and kills between a real Medusa and the real process: afterwards both say the same.

The whole programme is ``scripts/medusa_faults.py`` and ``scripts/medusa_kill.py``; here is what takes some minutes.
"""

from __future__ import annotations

import os
import random
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from fault_proxy import FaultProxy
from live_medusa import LiveMedusa

ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))
CHOSEN = ("dropped after it is forwarded", "500", "truncated JSON", "HTML with 200")

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.medusa_long]


@pytest.mark.timeout(400)
def test_after_every_fault_the_mirror_says_what_medusa_says(
    scripts: Callable[[str], ModuleType], medusa_to_spoil: LiveMedusa, tmp_path: Path
) -> None:
    faults = scripts("medusa_faults")
    shop = faults.write_shop(medusa_to_spoil.info, tmp_path / "shop.json")
    options = Namespace(seconds=3.0, per_second=5.0, sync_seconds=2.0, timeout=5.0, seed=7)
    cases = [case for case in faults.CASES if case.name in CHOSEN]
    assert len(cases) == len(CHOSEN)
    with FaultProxy(medusa_to_spoil.base_url) as proxy:
        outcomes = faults.Trial(shop, tmp_path, proxy, options).run(cases)
    # Latency is judged by the script, on a quiet machine.
    missed = {one.name: [what for what in one.missed if not what.startswith("p99")] for one in outcomes}
    assert missed == {case.name: [] for case in cases}
    assert all(one.spoiled and one.requests for one in outcomes)


@pytest.mark.crash
@pytest.mark.timeout(200 + 200 * ROUNDS)
@pytest.mark.parametrize("work", ["copy", "push", "train"])
def test_work_that_is_killed_ends_as_if_nothing_had_been(
    work: str, scripts: Callable[[str], ModuleType], medusa_to_spoil: LiveMedusa, tmp_path: Path
) -> None:
    shop = scripts("medusa_faults").write_shop(medusa_to_spoil.info, tmp_path / "shop.json")
    access = scripts("medusa_compare").access_of(shop)
    rounds = scripts("medusa_kill").WORK[work](access, ROUNDS, random.Random(7), lambda done: None)
    assert [one.problems for one in rounds] == [[]] * ROUNDS
    assert all(one.killed_at for one in rounds)
