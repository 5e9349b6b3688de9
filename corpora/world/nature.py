"""Animals, seasons, months and kinds of weather."""

from typing import NamedTuple

from corpora.world.draws import Draws
from corpora.world.grammar import Verb, listing, verb


class Animal(NamedTuple):
    """What an animal says, eats and gives, and where it lives."""

    name: str
    plural: str
    call: Verb
    home: str
    food: str
    young: str
    gift: str  # what people have from it, or empty
    nature: str
    habit: str

    def __str__(self) -> str:
        return self.name

    @property
    def gift_comes(self) -> str:
        """The verb that agrees with the gift: milk comes, eggs come."""
        return "come" if self.gift.endswith("s") else "comes"


def _animal(name: str, call: str, *facts: str, plural: str = "") -> Animal:
    return Animal(name, plural or f"{name}s", verb(call), *facts)


ANIMALS = [
    _animal("dog", "bark/barks/barked/barking", "in the kennel", "bones", "puppy", "",
            "faithful", "guards the house"),
    _animal("cat", "meow/meows/meowed/meowing", "by the stove", "mice", "kitten", "",
            "quiet", "sleeps in the sun"),
    _animal("cow", "moo/moos/mooed/mooing", "in the byre", "grass", "calf", "milk",
            "patient", "chews all day"),
    _animal("sheep", "bleat/bleats/bleated/bleating", "in the fold", "clover", "lamb", "wool",
            "gentle", "follows the shepherd", plural="sheep"),
    _animal("horse", "neigh/neighs/neighed/neighing", "in the stable", "hay", "foal", "",
            "strong", "pulls the cart"),
    _animal("hen", "cluck/clucks/clucked/clucking", "in the henhouse", "grain", "chick", "eggs",
            "busy", "scratches in the yard"),
    _animal("rooster", "crow/crows/crowed/crowing", "on the fence", "corn", "chick", "",
            "proud", "wakes the village"),
    _animal("duck", "quack/quacks/quacked/quacking", "on the pond", "water weed", "duckling",
            "feathers", "orderly", "swims in a row with its family"),
    _animal("goose", "honk/honks/honked/honking", "in the goose yard", "barley", "gosling",
            "feathers", "bold", "chases strangers", plural="geese"),
    _animal("pig", "grunt/grunts/grunted/grunting", "in the sty", "turnips", "piglet", "",
            "merry", "rolls in the mud"),
    _animal("donkey", "bray/brays/brayed/braying", "in the shed", "thistles", "foal", "",
            "stubborn", "stops on every hill"),
    _animal("bee", "buzz/buzzes/buzzed/buzzing", "in the hive", "nectar", "larva", "honey",
            "diligent", "flies from flower to flower"),
    _animal("owl", "hoot/hoots/hooted/hooting", "in the hollow tree", "mice", "owlet", "",
            "wise", "sees everything at night"),
    _animal("frog", "croak/croaks/croaked/croaking", "in the reeds", "flies", "tadpole", "",
            "quick", "jumps into the water"),
    _animal("crow", "caw/caws/cawed/cawing", "in the elm", "crumbs", "nestling", "",
            "curious", "steals shiny things"),
    _animal("wolf", "howl/howls/howled/howling", "in the dark forest", "meat", "cub", "",
            "fierce", "hunts with its pack", plural="wolves"),
    _animal("mouse", "squeak/squeaks/squeaked/squeaking", "under the floor", "cheese rinds",
            "pup", "", "shy", "hides from the cat", plural="mice"),
    _animal("bear", "growl/growls/growled/growling", "in the cave", "berries", "cub", "",
            "sleepy", "sleeps all winter"),
    _animal("lark", "sing/sings/sang/singing", "in the heather", "insects", "nestling", "",
            "cheerful", "sings in the morning sky"),
    _animal("gull", "scream/screams/screamed/screaming", "on the cliff", "fish heads", "nestling",
            "", "greedy", "follows the boats"),
]  # fmt: skip
ANIMAL = {animal.name: animal for animal in ANIMALS}
TAME = [
    ANIMAL[name]
    for name in ["dog", "cat", "cow", "sheep", "horse", "hen", "duck", "goose", "pig", "donkey"]
]
NOCTURNAL = [ANIMAL[name] for name in ["owl", "frog", "wolf", "mouse", "bear"]]
_EVERYDAY = ["dog", "cat", "cow", "sheep", "horse", "hen", "pig", "bee"]
_OFTEN = ANIMALS + 2 * [ANIMAL[name] for name in _EVERYDAY]


def some_animals(draws: Draws, count: int) -> list[Animal]:
    """Draw different animals; those of every day come three times as often as the rest."""
    drawn: list[Animal] = []
    while len(drawn) < count:
        animal = draws.pick(_OFTEN)
        drawn += [animal] if animal not in drawn else []
    return drawn


class Season(NamedTuple):
    """A season; what it is like and what is done in it."""

    name: str
    months: tuple[str, str, str]
    feel: str
    sign: str
    signed: str  # the sign in the past tense
    days: str
    clothes: str
    work: Verb
    weather: tuple[str, ...]  # as often as it is named
    dish: str

    def __str__(self) -> str:
        return self.name

    @property
    def months_listed(self) -> str:
        """The three months in a row of words."""
        return listing(self.months)


SEASONS = [
    Season("winter", ("December", "January", "February"), "cold", "snow falls", "snow fell",
           "short", "thick coats", verb("mend/mends/mended/mending tools by the fire"),
           ("snow", "snow", "snow", "frost", "frost", "fog", "wind"), "hot soup"),
    Season("spring", ("March", "April", "May"), "mild", "the trees blossom", "the trees blossomed",
           "longer", "light jackets", verb("sow/sows/sowed/sowing the fields"),
           ("rain", "rain", "sun", "sun", "wind", "cloud", "cloud"), "young greens"),
    Season("summer", ("June", "July", "August"), "hot", "the wheat turns yellow",
           "the wheat turned yellow", "long", "straw hats", verb("make/makes/made/making hay"),
           ("sun", "sun", "sun", "heat", "heat", "storm", "cloud"), "cold milk and berries"),
    Season("autumn", ("September", "October", "November"), "cool", "the leaves fall",
           "the leaves fell", "shorter", "woollen scarves",
           verb("bring/brings/brought/bringing in the harvest"),
           ("rain", "rain", "fog", "fog", "wind", "storm", "cloud"), "apple cake"),
]  # fmt: skip
SEASON = {season.name: season for season in SEASONS}
MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
SEASON_OF = {month: season for season in SEASONS for month in season.months}
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Weather(NamedTuple):
    """A kind of weather: how it is told, and what it does."""

    name: str
    past: str
    effect: str
    noun: str
    at_sea: str
    wear: str

    def __str__(self) -> str:
        return self.name


WEATHERS = {
    weather.name: weather
    for weather in [
        Weather("sun", "the sun [shone|shone all day]", "the washing dried quickly", "sunshine",
                "the sea was calm and the boats went out", "a straw hat"),
        Weather("cloud", "grey clouds covered the sky", "the day stayed dull", "clouds",
                "the sea was grey and the boats went out", "a jacket"),
        Weather("rain", "it rained [all day|from morning to night|without a break]",
                "the streets were wet and the river rose", "rain",
                "the boats went out in the rain", "a raincoat"),
        Weather("storm", "a storm broke with thunder and lightning",
                "[branches fell on the road|tiles flew off the roofs]", "storm",
                "the boats stayed in the harbour", "a raincoat"),
        Weather("snow", "[snow fell|it snowed] [all day|softly|through the night]",
                "the roofs and fields turned white", "snow",
                "the boats lay white in the harbour", "a thick coat"),
        Weather("frost", "there was a hard frost", "the pond froze and children skated on the ice",
                "frost", "ice hung from the ropes of the boats", "a thick coat"),
        Weather("fog", "thick fog [lay over everything|hid the houses]",
                "nobody could see across the street", "fog",
                "the boats waited for the lighthouse to show the way", "a woollen scarf"),
        Weather("wind", "a strong wind blew", "hats and leaves flew through the air", "wind",
                "the waves were high and the boats came home early", "a warm scarf"),
        Weather("heat", "it was [very hot|terribly hot]",
                "the wells ran low and the dogs lay in the shade", "heat",
                "the fishermen swam beside their boats", "a straw hat"),
    ]
}  # fmt: skip
