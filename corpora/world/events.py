"""What happens in the vale: causes with their effects, and the chronicle of what happened once."""

from typing import NamedTuple

from corpora.world.people import PERSON, Person
from corpora.world.places import TOWN, Town


class Chain(NamedTuple):
    """Cause, effect, trouble, and how it is set right; clauses in the past, small first letter."""

    cause: str
    effect: str
    trouble: str
    helper: Person
    remedy: str  # what the helper did
    end: str
    seasons: tuple[str, ...]
    towns: tuple[str, ...]


def _chain(row: str) -> Chain:
    seasons, towns, cause, effect, trouble, helper, remedy, end = (
        part.strip() for part in row.split(";")
    )
    return Chain(
        cause, effect, trouble, PERSON[helper], remedy, end,
        tuple(seasons.split()), tuple(towns.split()),
    )  # fmt: skip


_CHAINS = """
spring autumn; Millbrook; it rained for three days; the river rose; the mill had to stop; Peter; opened all the gates of the mill stream; the water fell and the wheel turned again
spring autumn; Millbrook; it rained for a week; the river rose over its banks; water ran into the bakery; Anna; carried the flour upstairs; the flour stayed dry and there was bread the next day
winter; Millbrook; there was a hard frost; the mill stream froze; the wheel stood still and the flour ran out; Peter; broke the ice with an axe; the wheel began to turn
winter; Highfold; snow fell for two days; the road to the hill was blocked; the sheep could not find any grass; Martin; carried hay to the flock on a sledge; not one sheep was lost
summer; Highfold; it did not rain for a month; the well ran dry; the sheep were thirsty; Martin; led the flock down to the stream; the sheep drank and bleated with joy
summer autumn; Stonebridge; a storm broke over the town; lightning struck the clock tower; the clock stopped at noon; Julia; climbed the tower and set a new spring in the clock; the bell rang the hour again
autumn winter; Saltmouth; a storm blew from the sea; the boats could not see the harbour; the fishermen were in danger; Ellen; lit the lamp of the lighthouse before dusk; all the boats came home safely
spring summer; Saltmouth; a big fish tore the net; the catch escaped into the sea; there was no fish for the inn; Jack; mended the net and went out again; the baskets were full in the evening
autumn; Saltmouth; thick fog lay on the sea; a boat ran on the rocks; there was a hole in the boat; Walter; nailed a new plank over the hole; the boat floated again
autumn spring; Alderwood; a strong wind blew all night; an old tree fell on a roof; there was a hole in the roof; Walter; sawed new boards and closed the hole; the house was dry again
spring summer; Alderwood; the bees left their hive; a black swarm hung in the oak; nobody dared to go near; Oscar; calmed the bees with smoke and put them in a new hive; there was honey in the autumn
winter; Alderwood; it was very cold; a bear came down to the village; the hives were in danger; Oscar; rang a bell and banged on a pan; the bear ran back to its cave
winter autumn; Larkmoor; the wind blew out the fire; the houses grew dark and cold; nobody could see a thing; Agnes; gave a candle to every house; there was light in every window
winter; Larkmoor; the road was covered with ice; a horse lost its shoe; the cart could not go on; Hugo; forged a new horseshoe; the horse stood firmly on the ice
autumn winter; Larkmoor; it was the longest night of the year; the children were afraid of the dark; nobody could sleep; Adam; played merry tunes on the fiddle; the children danced and forgot their fear
spring; Applegarth; there was a late frost; the blossoms were in danger; there would be no apples; Daniel; lit small fires between the trees; the blossoms lived and the apples came
autumn; Applegarth; the harvest was very large; there were more apples than baskets; the apples lay in the wet grass; Ida; plaited twenty new baskets; all the apples were dry before the rain
summer autumn; Applegarth; a barrel burst in the cellar; the cider ran down the street; the ducks drank it and fell asleep; Paul; made a new barrel of oak; the next cider stayed where it belonged
summer; Applegarth; it was terribly hot; the milk turned sour; there was nothing for the children to drink; Emma; made soft cheese from the sour milk; nothing was wasted
autumn winter; Claybourne; hail fell on the town; the windows of the school broke; the children sat in the cold; Sophie; made new window glass; the classroom was warm again
spring autumn; Claybourne; it rained without a break; the wall by the lake fell down; the water came into the gardens; George; built a thicker wall of stone; the gardens were safe
spring summer; Claybourne; a goat ran through the pottery; forty pots broke; the market had no pots to sell; Henry; worked at the wheel day and night; there were new pots on market day
winter autumn; Millbrook Saltmouth Highfold Stonebridge Claybourne; the weather was cold and damp; many children began to cough; the school had to close; Nora; brought medicine to every house; the cough was gone in a week
winter; Highfold Stonebridge Larkmoor; the winter came early; the people had no warm clothes; the old people were cold at night; Clara; wove blankets of thick wool; everybody slept well
autumn winter; Stonebridge Millbrook Applegarth; a dog barked in the night; a thief dropped the sack and ran; the sack was torn; Felix; sewed up the sack with strong thread; the owner got everything back
spring summer; Stonebridge Alderwood Millbrook; a wheel of the cart broke; the cart lay in the ditch; the goods were late for the market; Hugo; put a new iron ring on the wheel; the cart reached the market at noon
"""  # noqa: E501

CHAINS = [_chain(row) for row in _CHAINS.strip().splitlines()]


class Event(NamedTuple):
    """Something that happened once, in one year, and is remembered."""

    year: int
    season: str
    town: Town
    name: str
    happening: str
    hero: Person
    deed: str
    memory: str

    def __str__(self) -> str:
        return self.name


def _event(row: str) -> Event:
    year, season, town, name, happening, hero, deed, memory = (
        part.strip() for part in row.split(";")
    )
    return Event(int(year), season, TOWN[town], name, happening, PERSON[hero], deed, memory)


_EVENTS = """
47; spring; Millbrook; the great flood; the river carried away the wooden bridge; George; built a new bridge of stone; a line on the wall of the mill shows how high the water stood
48; winter; Highfold; the long snow; snow lay on the hill for three months; Martin; dug a tunnel to the sheep; every year the first snow is greeted with a song
49; summer; Alderwood; the forest fire; lightning set fire to the dry forest; Walter; cut a wide path that stopped the flames; nobody lights a fire in the forest in summer
50; autumn; Saltmouth; the wreck of the Grey Swan; a ship from Serra ran on the rocks; Ellen; pulled nine sailors out of the sea; oranges come from Serra every year as thanks
51; winter; Larkmoor; the night of a hundred candles; travellers lost their way on the moor; Agnes; put a hundred candles on the standing stones; candles are lit there every December
52; summer; Stonebridge; the silent month; the tower clock stopped and nobody knew the hour; Julia; took the clock apart and built it anew; the town still comes late to everything in July
53; spring; Applegarth; the frozen blossom; frost came when the apple trees were in blossom; Daniel; saved the oldest tree with a small fire; every garden has a branch of that tree
54; autumn; Claybourne; the hail of stones; hail as big as eggs broke all the windows; Sophie; made glass for sixty windows in one month; one broken window is kept in the school
55; winter; Stonebridge; the great cough; half of the town lay in bed; Nora; went from house to house for twenty days; the doctor never pays for bread in Stonebridge
56; summer; Millbrook; the dry summer; the river was so low that the mill stood still; Peter; turned the millstone with four horses; the horses lead the summer parade
57; autumn; Larkmoor; the runaway bull; a bull ran through the market and broke the stalls; Hugo; stopped it with an iron gate; the gate stands at the entrance of the market
58; spring; Highfold; the lost flock; sixty sheep were lost in the fog; Adam; played the fiddle until the sheep came to the music; the sheep of Highfold still like dances
59; summer; Saltmouth; the big catch; the boats came home with so much fish that they nearly sank; Ruth; cooked fish soup for the whole vale; the soup is cooked again every August
59; autumn; Stonebridge; the wrong newspaper; the newspaper was printed backwards by mistake; Vera; sold a mirror with every copy; people still read the news in the mirror for luck
"""  # noqa: E501

EVENTS = [_event(row) for row in _EVENTS.strip().splitlines()]
