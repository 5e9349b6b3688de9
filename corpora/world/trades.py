"""What people do for a living: work, tool, place, product, price."""

from typing import NamedTuple

from corpora.world.grammar import Verb, coins, number, verb


class Good(NamedTuple):
    """Something with a price that never changes."""

    one: str
    many: str
    price: int

    def __str__(self) -> str:
        return self.one

    @property
    def cost(self) -> str:
        """The price of one, in words."""
        return coins(self.price)

    def count(self, amount: int) -> str:
        """Return an amount in words: three loaves."""
        return f"one {self.one}" if amount == 1 else f"{number(amount)} {self.many}"


class Trade(NamedTuple):
    """A trade; `work` is what its people do, `steps` how they do it, in order."""

    name: str
    work: Verb
    product: str
    tool: str
    place: str
    material: str
    supplier: str  # whose trade the material comes from, or empty
    good: Good | None
    steps: tuple[Verb, ...]

    def __str__(self) -> str:
        return self.name


def _trade(name: str, work: str, product: str, things: str, good: str, *steps: str) -> Trade:
    tool, place, material, supplier = (thing.strip() for thing in things.split(";"))
    one, many, price = good.split("/") if good else ("", "", 0)
    sold = Good(one, many, int(price)) if good else None
    return Trade(
        name, verb(work), product, tool, place, material, supplier, sold, tuple(map(verb, steps))
    )


TRADES = [
    _trade("baker", "bake/bakes/baked/baking bread", "bread",
           "oven; in the bakery; flour; miller", "loaf/loaves/3",
           "mix/mixes/mixed/mixing flour, salt and warm water",
           "knead/kneads/kneaded/kneading the dough",
           "let/lets/let/letting the dough rise under a cloth",
           "put/puts/put/putting the loaves into the hot oven",
           "carry/carries/carried/carrying the warm bread to the shop"),
    _trade("miller", "grind/grinds/ground/grinding grain", "flour",
           "millstone; in the mill; grain; farmer", "sack of flour/sacks of flour/12",
           "open/opens/opened/opening the gate of the mill stream",
           "pour/pours/poured/pouring the grain between the stones",
           "watch/watches/watched/watching the great wheel turn",
           "fill/fills/filled/filling the sacks with flour"),
    _trade("teacher", "teach/teaches/taught/teaching the children", "lessons",
           "piece of chalk; in the school; books; printer", "",
           "ring/rings/rang/ringing the school bell",
           "write/writes/wrote/writing the new words on the blackboard with chalk",
           "read/reads/read/reading a story aloud",
           "send/sends/sent/sending the children home"),
    _trade("fisherman", "catch/catches/caught/catching fish", "fish",
           "net; on the sea; bait;", "fish/fish/5",
           "mend/mends/mended/mending the net",
           "row/rows/rowed/rowing the boat out of the harbour",
           "cast/casts/cast/casting the net into the sea",
           "pull/pulls/pulled/pulling the full net over the side",
           "sell/sells/sold/selling the catch on the quay"),
    _trade("lighthouse keeper", "keep/keeps/kept/keeping the light burning", "light",
           "lamp; in the lighthouse; oil;", "",
           "climb/climbs/climbed/climbing the long stairs",
           "clean/cleans/cleaned/cleaning the glass",
           "fill/fills/filled/filling the lamp with oil",
           "light/lights/lit/lighting the lamp at dusk"),
    _trade("cook", "cook/cooks/cooked/cooking soup", "soup",
           "ladle; in the kitchen of the inn; vegetables; gardener",
           "bowl of soup/bowls of soup/2",
           "peel/peels/peeled/peeling the carrots and onions",
           "put/puts/put/putting the bones and vegetables into the pot",
           "stir/stirs/stirred/stirring the soup with the ladle",
           "taste/tastes/tasted/tasting it and add/adds/added/adding a little salt"),
    _trade("shepherd", "tend/tends/tended/tending the sheep", "wool",
           "crook; on the hill; grass;", "bag of wool/bags of wool/10",
           "count/counts/counted/counting the sheep at the gate",
           "lead/leads/led/leading the flock up the hill",
           "whistle/whistles/whistled/whistling for the dog",
           "bring/brings/brought/bringing the flock back to the fold"),
    _trade("weaver", "weave/weaves/wove/weaving cloth", "cloth",
           "loom; in the weaving room; wool; shepherd", "blanket/blankets/25",
           "wash/washes/washed/washing the wool",
           "spin/spins/spun/spinning the wool into yarn",
           "stretch/stretches/stretched/stretching the yarn on the loom",
           "throw/throws/threw/throwing the shuttle from side to side"),
    _trade("doctor", "heal/heals/healed/healing the sick", "medicine",
           "black bag; in the sickroom; herbs; gardener",
           "bottle of medicine/bottles of medicine/6",
           "wash/washes/washed/washing both hands",
           "listen/listens/listened/listening to the patient's heart",
           "look/looks/looked/looking into the patient's throat",
           "pour/pours/poured/pouring the medicine into a spoon"),
    _trade("carpenter", "build/builds/built/building chairs", "chairs",
           "saw; in the workshop; wood; woodcutter", "chair/chairs/15",
           "choose/chooses/chose/choosing a dry plank of oak",
           "saw/saws/sawed/sawing the wood to length",
           "drill/drills/drilled/drilling the holes for the legs",
           "glue/glues/glued/gluing the parts together",
           "smooth/smooths/smoothed/smoothing the seat"),
    _trade("basket maker", "plait/plaits/plaited/plaiting baskets", "baskets",
           "knife; under the willows; willow twigs;", "basket/baskets/7",
           "cut/cuts/cut/cutting the willow twigs with a knife",
           "soak/soaks/soaked/soaking the twigs in water",
           "bend/bends/bent/bending the twigs into a ring",
           "weave/weaves/wove/weaving the sides of the basket"),
    _trade("beekeeper", "gather/gathers/gathered/gathering honey", "honey",
           "smoker; among the hives; flowers;", "jar of honey/jars of honey/8",
           "put/puts/put/putting on the hat with the veil",
           "calm/calms/calmed/calming the bees with smoke",
           "lift/lifts/lifted/lifting the combs out of the hive",
           "fill/fills/filled/filling the jars with honey"),
    _trade("clockmaker", "repair/repairs/repaired/repairing clocks", "clocks",
           "pair of tweezers; in the clock shop; brass wheels; blacksmith", "clock/clocks/40",
           "open/opens/opened/opening the back of the clock",
           "clean/cleans/cleaned/cleaning the tiny wheels",
           "set/sets/set/setting a new spring with the tweezers",
           "wind/winds/wound/winding the clock and listen/listens/listened/listening to it tick"),
    _trade("tailor", "sew/sews/sewed/sewing coats", "coats",
           "needle; at the sewing table; cloth; weaver", "coat/coats/30",
           "measure/measures/measured/measuring the arms and the back",
           "cut/cuts/cut/cutting the cloth with long scissors",
           "sew/sews/sewed/sewing the sleeves to the coat",
           "press/presses/pressed/pressing the coat with a hot iron"),
    _trade("printer", "print/prints/printed/printing the newspaper", "newspapers",
           "press; in the print shop; paper;", "newspaper/newspapers/1",
           "set/sets/set/setting the letters in a row",
           "spread/spreads/spread/spreading the ink",
           "press/presses/pressed/pressing the paper on the letters",
           "hang/hangs/hung/hanging the wet pages on a line"),
    _trade("gardener", "grow/grows/grew/growing apples", "apples",
           "spade; in the orchard; seeds;", "bag of apples/bags of apples/4",
           "dig/digs/dug/digging the earth with a spade",
           "plant/plants/planted/planting the young tree",
           "water/waters/watered/watering the roots",
           "pick/picks/picked/picking the ripe apples from the ladder"),
    _trade("cheese maker", "make/makes/made/making cheese", "cheese",
           "vat; in the dairy; milk; farmer", "cheese/cheeses/9",
           "pour/pours/poured/pouring the milk into the vat",
           "warm/warms/warmed/warming it slowly",
           "cut/cuts/cut/cutting the curd",
           "turn/turns/turned/turning the cheeses on the shelf"),
    _trade("cooper", "make/makes/made/making barrels", "barrels",
           "mallet; in the barrel yard; oak; woodcutter", "barrel/barrels/20",
           "split/splits/split/splitting the oak into staves",
           "heat/heats/heated/heating the staves over the fire",
           "drive/drives/drove/driving the iron hoops down with the mallet",
           "fill/fills/filled/filling the barrel with water to test it"),
    _trade("candle maker", "dip/dips/dipped/dipping candles", "candles",
           "wax pan; in the candle house; wax; beekeeper", "candle/candles/2",
           "melt/melts/melted/melting the wax in a pan",
           "cut/cuts/cut/cutting the wicks",
           "dip/dips/dipped/dipping the wicks into the wax again and again",
           "hang/hangs/hung/hanging the candles up to cool"),
    _trade("fiddler", "play/plays/played/playing dances", "music",
           "fiddle; at the inn; strings;", "",
           "tune/tunes/tuned/tuning the four strings",
           "rub/rubs/rubbed/rubbing the bow",
           "tap/taps/tapped/tapping one foot",
           "play/plays/played/playing for the dancers"),
    _trade("blacksmith", "forge/forges/forged/forging horseshoes", "horseshoes",
           "hammer; in the forge; iron; miner", "horseshoe/horseshoes/11",
           "blow/blows/blew/blowing on the glowing coals",
           "heat/heats/heated/heating the iron in the fire",
           "beat/beats/beat/beating the iron on the anvil with a hammer",
           "cool/cools/cooled/cooling it in water with a hiss"),
    _trade("potter", "shape/shapes/shaped/shaping pots", "pots",
           "potter's wheel; in the pottery; clay;", "pot/pots/14",
           "knead/kneads/kneaded/kneading the clay",
           "throw/throws/threw/throwing it on the wheel",
           "shape/shapes/shaped/shaping the pot with wet hands",
           "fire/fires/fired/firing it in the kiln"),
    _trade("glassblower", "blow/blows/blew/blowing glass", "bottles",
           "pipe; in the glass house; sand;", "bottle/bottles/13",
           "melt/melts/melted/melting the sand in the furnace",
           "gather/gathers/gathered/gathering the hot glass on the pipe",
           "blow/blows/blew/blowing gently into the pipe",
           "let/lets/let/letting the bottle cool slowly"),
    _trade("mason", "build/builds/built/building walls", "walls",
           "chisel; in the stone yard; stone;", "",
           "choose/chooses/chose/choosing a flat stone",
           "trim/trims/trimmed/trimming it with the chisel",
           "spread/spreads/spread/spreading the mortar",
           "set/sets/set/setting the stone and check/checks/checked/checking the line"),
]  # fmt: skip
TRADE = {trade.name: trade for trade in TRADES}
SELLING = [trade for trade in TRADES if trade.good]
