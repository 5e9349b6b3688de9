"""Where things are: the towns of the Vale of Arle, the roads between them, the lands around."""

from typing import NamedTuple


class Town(NamedTuple):
    """A town; what it is known for, and when its market is held."""

    name: str
    setting: str
    known_for: str
    inn: str
    market_day: str
    sight: str
    seen: str  # what a traveller sees first

    def __str__(self) -> str:
        return self.name


class Road(NamedTuple):
    """A road and what one passes on it."""

    start: str
    end: str
    miles: int
    heading: str  # direction of travel from start to end
    passes: str


class Land(NamedTuple):
    """A country, for the lessons in geography."""

    name: str
    capital: str
    people: str
    known_for: str
    lies: str  # where, seen from the Vale of Arle

    def __str__(self) -> str:
        return self.name


TOWNS = [
    Town("Millbrook", "by the river", "bread", "the Golden Sheaf", "Monday",
         "the old water mill", "the great wheel of the mill"),
    Town("Saltmouth", "by the sea", "fish", "the Blue Anchor", "Tuesday",
         "the white lighthouse", "the white lighthouse on the rocks"),
    Town("Highfold", "on the hill", "wool", "the Black Ram", "Wednesday",
         "the stone sheepfold", "the sheep on the green hill"),
    Town("Alderwood", "in the forest", "honey", "the Green Oak", "Thursday",
         "the oldest oak in the vale", "smoke between the tall trees"),
    Town("Stonebridge", "in the middle of the vale", "clocks", "the King's Arms", "Friday",
         "the clock tower", "the clock tower above the roofs"),
    Town("Applegarth", "among the orchards", "apples", "the Ripe Apple", "Saturday",
         "the cider cellar", "long rows of apple trees"),
    Town("Larkmoor", "on the moor", "candles", "the Singing Lark", "Sunday",
         "the ring of standing stones", "the standing stones in the heather"),
    Town("Claybourne", "by the lake", "pots", "the Brown Jug", "Thursday",
         "the tall brick kiln", "the smoke of the tall kiln"),
]  # fmt: skip
TOWN = {town.name: town for town in TOWNS}
CAPITAL = TOWN["Stonebridge"]

ROADS = [
    Road("Stonebridge", "Millbrook", 4, "south", "the wheat fields"),
    Road("Millbrook", "Saltmouth", 9, "south", "the salt meadows"),
    Road("Stonebridge", "Highfold", 7, "north", "the stone walls of the pastures"),
    Road("Highfold", "Larkmoor", 5, "north", "the purple heather"),
    Road("Stonebridge", "Alderwood", 6, "west", "the dark edge of the forest"),
    Road("Stonebridge", "Applegarth", 3, "east", "the hedges full of birds"),
    Road("Applegarth", "Claybourne", 8, "east", "the reeds along the lake"),
]
OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}
ROADS_BOTH_WAYS = ROADS + [
    Road(road.end, road.start, road.miles, OPPOSITE[road.heading], road.passes) for road in ROADS
]

LANDS = [
    Land("the Vale of Arle", "Stonebridge", "Valers", "bread and wool", "is the land we live in"),
    Land("Norland", "Winterhall", "Norlanders", "furs", "lies to the north of the vale"),
    Land("Serra", "Portoclaro", "Serrans", "oranges", "lies to the south of the vale"),
    Land("Estmere", "Greylake", "Estmerians", "salt", "lies to the east of the vale"),
    Land("Tarn", "Ironcliff", "Tarners", "iron", "lies to the west of the vale"),
    Land("Isola", "Goldhaven", "Isolans", "silk", "lies across the sea"),
]
