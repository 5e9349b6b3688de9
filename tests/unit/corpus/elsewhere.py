"""Workers that are none: items are done here, in an order that nobody should depend on."""

import random

from tokpipe.foundation.errors import TokpipeError


class Elsewhere:
    """Runs items some ahead and in another order, each twice, and stops after so many of them."""

    def __init__(self, window=3, left=1 << 30):
        self.window, self.left, self.called = window, left, []

    def __call__(self, function, items):
        waiting = iter(items)
        while batch := [item for _, item in zip(range(self.window), waiting, strict=False)]:
            results = {}
            for number in sorted(range(len(batch)), reverse=True):
                self.called.append(function)
                results[number] = self.result(function, batch[number])
            for number in range(len(batch)):
                if not self.left:
                    raise KeyboardInterrupt
                self.left -= 1
                if isinstance(results[number], TokpipeError):
                    raise results[number]
                yield results[number]

    def result(self, function, item):
        """Return what comes of an item, or its error; now and then it is done twice."""
        try:
            found = function(item)
            if random.Random(len(self.called)).random() < 0.3:
                assert function(item) == found
            return found
        except TokpipeError as error:
            return error
