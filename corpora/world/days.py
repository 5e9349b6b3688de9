"""Days, and the weather of each: the same day has the same weather in every document."""

from collections.abc import Sequence
from typing import NamedTuple

from corpora.world.draws import Draws
from corpora.world.grammar import number
from corpora.world.nature import MONTHS, SEASON_OF, WEATHERS, WEEKDAYS, Season, Weather

WEATHER_SEED = 7
DAYS_A_MONTH = 30  # every month of the vale has thirty days
FIRST_YEAR, LAST_YEAR = 50, 60

_ORDINALS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth", "twentieth",
]  # fmt: skip


class Day(NamedTuple):
    """A day of the vale's calendar."""

    count: int  # days since the beginning of year 0

    @property
    def year(self) -> int:
        """The year."""
        return self.count // (12 * DAYS_A_MONTH)

    @property
    def month(self) -> str:
        """The name of the month."""
        return MONTHS[self.count // DAYS_A_MONTH % 12]

    @property
    def weekday(self) -> str:
        """The name of the weekday."""
        return WEEKDAYS[self.count % 7]

    @property
    def season(self) -> Season:
        """The season of the month."""
        return SEASON_OF[self.month]

    @property
    def weather(self) -> Weather:
        """The weather of the whole vale on this day."""
        return WEATHERS[Draws(WEATHER_SEED, self.count).pick(self.season.weather)]

    @property
    def date(self) -> str:
        """The date without the year: the third of May."""
        return f"the {ordinal(self.count % DAYS_A_MONTH + 1)} of {self.month}"

    def after(self, days: int) -> "Day":
        """Return the day so many days later."""
        return Day(self.count + days)

    def __str__(self) -> str:
        return f"{self.weekday}, {self.date}"


def some_day(draws: Draws) -> Day:
    """Draw a day from the years that the documents tell of."""
    days = (LAST_YEAR - FIRST_YEAR) * 12 * DAYS_A_MONTH
    return Day(FIRST_YEAR * 12 * DAYS_A_MONTH + draws.below(days))


def some_day_in(draws: Draws, seasons: Sequence[str]) -> Day:
    """Draw a day in one of the seasons."""
    day = some_day(draws)
    while day.season.name not in seasons:
        day = day.after(DAYS_A_MONTH)
    return day


def next_weekday(day: Day, weekday: str) -> Day:
    """Return the first day from `day` on that is such a weekday."""
    return day.after((WEEKDAYS.index(weekday) - day.count) % 7)


def ordinal(value: int) -> str:
    """Return first to thirtieth.

    Examples
    --------
    >>> ordinal(3), ordinal(21), ordinal(30)
    ('third', 'twenty-first', 'thirtieth')
    """
    if value <= 20:
        return _ORDINALS[value - 1]
    if value == 30:
        return "thirtieth"
    return f"{number(value - value % 10)}-{_ORDINALS[value % 10 - 1]}"
