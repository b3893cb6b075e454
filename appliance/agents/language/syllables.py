"""Which letter strings are Vietnamese syllables, and where a syllable carries its tone mark.

The set is generated from the orthography: onsets times rhymes times the six tones, with the rules that bind them (k,
gh and ngh before e, ê, i; syllables that end in c, ch, p, t carry the acute or the dot only). It holds strings that no
word uses as well; it answers "can this be Vietnamese", not "is this in a dictionary".
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from appliance.agents.language.wordlist import word_list

TONES = ("", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323")
"""No tone, acute, grave, hook, tilde, dot: in the order of the VNI digits 0 to 5."""
_TONE_SET = frozenset(TONES[1:])

_ONSETS = word_list("b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x")
_RHYMES = word_list(
    "a ac ach ai am an ang anh ao ap at au ay ă ăc ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây "
    "e ec em en eng eo ep et ê êch êm ên ênh êp êt êu i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu "
    "o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong "
    "ooc oong "
    "op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt "
    "u ua uân uâng uât uây uc uê uêch uênh uên uêt ui um un ung uôc uôi uôm uôn uông uôt uơ up ut uy uya "
    "uych uyên uyêt "
    "uynh uyt uyu ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu y yêm yên yêng yêt yêu"
)
_AFTER_QU = (
    "a ac ach ai an ang anh ao at au ay ăc ăm ăn ăng ăt âc ân âng ât âu ây e en eo et ê ên êt êch i ich it y ynh "
    "ych yt yên yêt ơ ơi o ôc ôi oai oe ac ec em et"
)
_FRONT = frozenset("eêi")
_STOPS = ("c", "ch", "p", "t")


def _tone_index(onset: str, rhyme: str) -> int:
    """Return the place of the tone mark in a toneless syllable, the older style: hòa, thúy."""
    start = len(onset)
    for place, letter in enumerate(rhyme):
        if letter in "ăâêôơ" and not (letter == "ơ" and rhyme[place + 1 : place + 2] == ""):
            return start + place
    if "ơ" in rhyme:
        return start + rhyme.index("ơ")
    vowels = len(rhyme.rstrip("bcdghklmnpqrstvx"))
    closed = vowels < len(rhyme)
    if vowels == 1 or (vowels == 2 and not closed):
        return start
    return start + 1


@lru_cache(maxsize=1)
def tone_places() -> dict[str, int]:
    """Return every toneless syllable with the index of the letter that carries its tone."""
    places: dict[str, int] = {}
    for rhyme in _RHYMES:
        places[rhyme] = _tone_index("", rhyme)
        for onset in _ONSETS:
            if onset == "qu":
                continue
            if rhyme[0] in _FRONT or rhyme[0] == "y":
                if onset in ("c", "g", "ng") or (rhyme[0] == "y" and len(rhyme) > 1):
                    continue
            elif onset in ("k", "gh", "ngh"):
                continue
            if onset == "gi" and rhyme[0] in "iy":
                continue
            places.setdefault(onset + rhyme, _tone_index(onset, rhyme))
    for rhyme in _AFTER_QU.split():
        places["qu" + rhyme] = _tone_index("qu", rhyme)
    places["gi"] = 1
    for rest in ("n", "m", "p", "t"):
        places["gi" + rest] = 1
    for rest in ("êng", "êt", "êc", "êu", "êm", "ên"):
        places["gi" + rest] = 2
    return places


@lru_cache(maxsize=1)
def bare_syllables() -> frozenset[str]:
    """Return every syllable without any diacritic, đ as d."""
    drop = dict.fromkeys(range(768, 880))
    return frozenset(
        unicodedata.normalize("NFD", syllable.replace("đ", "d")).translate(drop) for syllable in tone_places()
    )


def split_tone(word: str) -> tuple[str, str]:
    """Return the word without its first tone mark, NFC, and the mark; ``""`` when there is none or several."""
    letters = unicodedata.normalize("NFD", word)
    marks = [letter for letter in letters if letter in _TONE_SET]
    if len(marks) != 1:
        return word, ""
    return unicodedata.normalize("NFC", letters.replace(marks[0], "")), marks[0]


def with_tone(toneless: str, tone: str) -> str:
    """Return a toneless syllable with a tone in its canonical place; ``""`` when that is no syllable."""
    place = tone_places().get(toneless)
    if place is None or (toneless.endswith(_STOPS) and tone not in (TONES[1], TONES[5])):
        return ""
    return unicodedata.normalize("NFC", toneless[: place + 1] + tone + toneless[place + 1 :])


def is_syllable(word: str) -> bool:
    """Tell whether a lower-case word can be a Vietnamese syllable as it is marked, or with all marks missing."""
    if word.isascii():
        return word in bare_syllables()
    toneless, tone = split_tone(word)
    if toneless in tone_places():
        # A stop-final syllable without a tone ("băt") was typed with half its marks; let it pass.
        return not tone or bool(with_tone(toneless, tone))
    return False


@lru_cache(maxsize=8192)
def canonical(word: str) -> str:
    """Return a lower-case NFC word with its tone mark in one place: ``hoà`` as ``hòa``, ``aó`` as ``áo``."""
    if word.isascii():
        return word
    toneless, tone = split_tone(word)
    return (with_tone(toneless, tone) or word) if tone else word
