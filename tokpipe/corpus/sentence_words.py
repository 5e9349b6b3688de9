"""What the rules for sentences know of characters and words, as arrays for the kernels.

A short table that is read at a glance: no list of abbreviations is ever whole, and the rules need
no more than the common ones (initials, acronyms and numbers are told by their form).
"""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.kernels import characters, sentence_ends

# A name, a number or an example follows: a stop behind these never ends a sentence.
GOES_ON = """
    mr mrs ms mx messrs mme mlle dr prof st ste sr sra srta hr fr dhr dott ing dipl
    vs viz cf e.g i.e eg ie esp approx ca resp incl excl z.b d.h u.a bzw ggf evtl vgl usw.a
    t.ex ex bl.a s.k f.d p.g.a d.v.s t.o.m fr.o.m m.a.o o.d jfr bl t.v kungl
    omkr d.ä d.y f.n i.st m.fl.a n.b p.ex par.ex env mgr т.е т.н ул св проф
"""
# Only with a capital: small, these are words of some language, such as "hon", "sig" and "det".
TITLES = """
    rev hon pres gov sen rep gen col maj capt cpt cmdr lt sgt cpl pvt adm supt insp det sig mag
    leg fil tekn med jur
"""
# Only a number or a name behind it makes these go on.
BEFORE_NUMBER = """
    no nos nr nrs num fig figs eq eqs vol vols ch chap sec sect art p pp pg s sid kap st § par
    ed eds op tel tab abs bd nº núm jan feb mar apr jun jul aug sep sept oct okt nov dec
    mon tue tues wed thu thur thurs fri sat sun рис стр гл № т с
"""
# Often the last word of a sentence: the next word decides.
MAY_END = """
    etc inc ltd corp co llc plc bros jr sr esq phd u.s u.k u.n e.u d.c a.m p.m a.d b.c m.m
    m.fl osv dvs mm kl kr st tr usw gmbh mio mrd ave blvd rd hwy ft mt dept univ assn est
    hrs г гг т.п т.д др руб
"""
# Words that begin a sentence far more often than a name: a may-end word before them ends.
STARTS = """
    the this that these those there then they their it its he she his her we our you your i my
    a an and but or so if in on at as by for from to of with when where while who what which why
    how after before although however not no yes some many most all each every one two both
    please also even just only did do does is are was were will would can could should may
    det den de dessa detta denna han hon vi ni jag du man en ett och men eller så om i på av för
    från till med när där som vad vem varför hur efter innan inte nej ja alla många andra
    der die das ein eine er sie es wir ihr ich und aber im am le la les il elle nous vous je un
    une el los las una en
"""
MONTHS = """
    januar februar märz april mai juni juli august september oktober november dezember januari
    februari mars maj augusti december marts januára
"""
_KINDS = {
    sentence_ends.GOES_ON: GOES_ON,
    sentence_ends.TITLE: TITLES,
    sentence_ends.BEFORE_NUMBER: BEFORE_NUMBER,
    sentence_ends.MAY_END: MAY_END,
    sentence_ends.STARTS: STARTS,
    sentence_ends.MONTH: MONTHS,
}

_MARKS = {
    characters.DOT: ".",
    characters.ELLIPSIS: "…",
    characters.STOP: "!?‼⁇⁈⁉‽",
    characters.FULL: "。！？｡．।॥؟۔։።፧။។៕᙮᠃",
    characters.QUOTE: "\"'`´“”‘’«»‹›„‚‟‛",
    characters.EYES: ":;=^",
    characters.OPEN: "([{¿¡<（［｛「『【〈《〔",
    characters.CLOSE: ")]}>）］｝」』】〉》〕",
    characters.DASH: "-–—―‐‑",
    # White_Space in Unicode, and nothing else: it is what a splitter may drop.
    characters.SPACE: "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B))),
}


class SentenceTables(NamedTuple):
    """The arrays that `sentence_spans` looks things up in."""

    # uint8[C]: the class of each code point below U+3100, then of U+FF00 to U+FFFF
    classes: NDArray[np.uint8]
    # uint64[SLOTS]: words of at most eight bytes, ASCII capitals made small, by open addressing; 0
    # is free
    keys: NDArray[np.uint64]
    kinds: NDArray[np.uint8]  # uint8[SLOTS]: what each is known for, as bits


@functools.cache
def sentence_tables() -> SentenceTables:
    """Make the tables, once in a process: about 3 ms."""
    keys = np.zeros(sentence_ends.SLOTS, np.uint64)
    kinds = np.zeros(sentence_ends.SLOTS, np.uint8)
    for kind, words in _KINDS.items():
        for word in words.split():
            _enter(word.encode(), kind, keys, kinds)
    return SentenceTables(_classes(), keys, kinds)


def _enter(word: bytes, kind: int, keys: NDArray[np.uint64], kinds: NDArray[np.uint8]) -> None:
    if len(word) > 8:
        return
    key = int.from_bytes(word, "little")
    slot = sentence_ends.word_slot(key)
    while keys[slot] not in (0, key):
        slot = (slot + 1) % len(keys)
    keys[slot] = key
    kinds[slot] |= kind


def _classes() -> NDArray[np.uint8]:
    points = [*range(characters.TABLED), *range(characters.HALFWIDTH, 0x10000)]
    marks = {mark: kind for kind, found in _MARKS.items() for mark in found}
    return np.array([marks.get(chr(p), _class_of(chr(p))) for p in points], np.uint8)


def _class_of(character: str) -> int:
    if character.isalpha():
        if character.islower():
            return characters.LOWER
        return characters.UPPER if character.isupper() or character.istitle() else characters.LETTER
    return characters.DIGIT if character.isdecimal() else characters.OTHER
