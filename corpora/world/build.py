"""The collection: which kinds of document it holds, how often, and how it becomes one text."""

from collections.abc import Callable

from corpora.world.draws import Draws
from corpora.world.kinds import daily, howto, lessons, market, mysteries, news, portraits, tales

SEED = 20
DOCUMENTS = 3600

KINDS: list[tuple[int, Callable[[Draws], list[str]]]] = [  # weight, kind
    (6, portraits.portrait), (2, portraits.family), (2, portraits.town), (3, portraits.journey),
    (4, daily.diary), (3, daily.letter),
    (4, news.news), (2, news.why), (3, news.weather_log), (1, news.chronicle), (2, news.notice),
    (3, market.market_report), (4, market.shop), (4, market.sums),
    (5, tales.fable), (3, tales.lost_pet), (3, tales.wild_night), (2, tales.bedtime),
    (8, lessons.animal_lesson), (7, lessons.questions), (3, lessons.geography),
    (4, lessons.riddles), (1, lessons.almanac),
    (3, mysteries.theft), (2, mysteries.way), (2, mysteries.recipe), (2, mysteries.weather_rules),
    (3, howto.how_to), (3, howto.helper), (2, howto.year), (3, howto.at_work),
]  # fmt: skip
_DECK = [kind for weight, kind in KINDS for _ in range(weight)]


def document(number: int, seed: int = SEED) -> list[str]:
    """Return the paragraphs of one document; it depends on `number` and `seed` alone."""
    draws = Draws(seed, number)
    return draws.pick(_DECK)(draws)


def world(seed: int = SEED, documents: int = DOCUMENTS) -> str:
    """Return the whole text: a paragraph a line, a blank line between documents."""
    return "\n".join("".join(f"{line}\n" for line in document(n, seed)) for n in range(documents))
