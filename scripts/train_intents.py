"""Train the intent classifier that the package ships.

    python scripts/train_intents.py [--check FOLDER] [--quick]

Reads scripts/intent_data/<language>/<intent>.txt, an utterance a line; ``public_out_of_scope.txt`` joins
``out_of_scope``. Every utterance goes through the language agent, as a shopper's message does. Prints the accuracy of
a five-fold cross-validation by language, the commonest mix-ups, and with ``--check`` the accuracy on a folder of
labelled cases (JSON lines in the layout of the chat evaluation). Writes appliance/agents/intent/intents.npz.
"""

from __future__ import annotations

import argparse
import json
import time
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np

from appliance.agents.intent import classifier as intents
from appliance.agents.intent.calibration import calibrate
from appliance.agents.intent.classifier import Config, HeldOut, IntentClassifier
from appliance.agents.intent.features import Features, features
from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.types import CONVERSATION, INTENTS, TRANSACTIONAL

DATA = Path(__file__).parent / "intent_data"
TARGET = Path(__file__).parents[1] / "appliance" / "agents" / "intent" / "intents.npz"
CONFIG = Config(
    least=2, penalty=0.1, outside_shift=0.05, outside=("out_of_scope", "unclear"), strict=tuple(sorted(TRANSACTIONAL))
)
_SHOWN = 25


def read() -> list[tuple[str, str, str]]:
    """Return language, intent and text of every distinct utterance."""
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for path in sorted(DATA.glob("*/*.txt")):
        intent = "out_of_scope" if path.stem == "public_out_of_scope" else path.stem
        if intent not in INTENTS:
            raise SystemExit(f"{path} is named after no intent.")
        for line in path.read_text("utf-8").splitlines():
            text = unicodedata.normalize("NFC", line).strip()
            if text:
                found.setdefault((intent, text), (path.parent.name, intent, text))
    return list(found.values())


def cross_check(lines: list[tuple[str, str, str]], rows: list[Features]) -> HeldOut:
    """Print the accuracy by language and the commonest mix-ups of a five-fold cross-validation."""
    language, intent = (np.array([line[place] for line in lines]) for place in (0, 1))
    names, truth = np.unique(intent, return_inverse=True)
    foreign = [int(np.searchsorted(names, name)) for name in CONFIG.outside]
    held_out = intents.cross_validated(rows, truth, CONFIG, outside=foreign)
    calibration = calibrate(held_out.scores, truth, held_out.known)
    given = held_out.scores.argmax(1)
    right = given == truth
    print(f"{len(lines)} utterances, cross-validated accuracy {right.mean():.4f}")
    for code in np.unique(language):
        print(f"  {code}: {right[language == code].mean():.4f} of {(language == code).sum()}")
    for name in names:
        print(f"  {name:22} {right[intent == name].mean():.3f} of {(intent == name).sum()}")
    mixed = Counter(zip(intent[~right].tolist(), names[given[~right]].tolist(), strict=True))
    for (true, said), count in mixed.most_common(_SHOWN):
        print(f"  {count:4} {true} taken for {said}")
    top = calibration.probabilities(held_out.scores).max(1)
    sure = np.array([calibration.confidence(float(p), float(k)) for p, k in zip(top, held_out.known, strict=True)])
    for low in np.arange(0.0, 1.0, 0.2):
        band = (sure >= low) & (sure < low + 0.2)
        if band.any():
            print(f"  confidence {sure[band].mean():.2f}: {right[band].mean():.2f} right, {band.sum()} utterances")
    return held_out


def check(classifier: IntentClassifier, folder: Path) -> None:
    """Print how a folder of labelled cases fares: right intents, or refused foreign questions."""
    agent = LanguageAgent()
    for path in sorted(folder.glob("*.jsonl")):
        cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        decided = [classifier.decide(agent.run(LanguageInput(case["turns"][-1]["text"]))) for case in cases]
        pairs = list(zip(cases, decided, strict=True))
        right = sum(found.intent in (case["intent"], *case["accept"]) for case, found in pairs)
        refused = sum(not found.in_scope or found.intent in CONVERSATION for _, found in pairs)
        acting = sum(found.in_scope and found.intent in TRANSACTIONAL for _, found in pairs)
        shares = [round(count / len(cases), 4) for count in (right, refused, acting)]
        print(f"  {path.stem}: {len(cases)} cases, right {shares[0]}, no request {shares[1]}, on an order {shares[2]}")


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=Path, help="folder of JSON lines to judge the model on")
    parser.add_argument("--quick", action="store_true", help="without the cross-validation report")
    options = parser.parse_args()
    lines = read()
    agent = LanguageAgent()
    rows = [features(agent.run(LanguageInput(text))) for _, _, text in lines]
    held_out = None if options.quick else cross_check(lines, rows)
    began = time.perf_counter()
    classifier = IntentClassifier.fit(rows, [intent for _, intent, _ in lines], config=CONFIG, held_out=held_out)
    classifier.save(TARGET)
    print(f"trained in {time.perf_counter() - began:.0f} s, {TARGET.stat().st_size} bytes, {classifier.calibration}")
    print(f"thresholds {sorted(set(classifier.thresholds.values()))}")
    if options.check is not None:
        check(classifier, options.check)


if __name__ == "__main__":
    main()
