"""Wrong answers to the exercises of 05; the right ones are the solutions in the notebook."""

from tests.mutants.kinds import Worker

_START = "    for child in children:\n        child.start()\n"
_JOIN = "    for child in children:\n        child.join()\n"
_GET = "    arrived = [queue.get() for _ in children]\n"
_POOL = "        with Pool(2) as pool:\n            return pool.map(self.with_tax, prices)"
_TWICE = "        Process(target=stage, args=(second, middle, outbox, 1)),\n"
_ANSWERS = "    answers = [pair for _ in range(2) for pair in iter(outbox.get, None)]\n"
_ALL_BEFORE = """\
    answered = [(item, function(value)) for item, value in iter(inbox.get, None)]
    for pair in answered:
        outbox.put(pair)
"""
_LOOP = """\
    for item, value in iter(inbox.get, None):
        outbox.put((item, function(value)))
"""

WORKERS = {
    "passing_messages/in-order": Worker(
        "answers_of",
        "",
        [
            (_GET + _JOIN, _JOIN + _GET, "call `recv()` or `get()` first"),
            (
                _START,
                "    for child in children:\n        child.run()\n",
                "can only join a started process",
            ),
            (_START, "", "in `get()`, and nobody puts anything"),
            ("sorted(arrived)", "arrived", "not in the order"),
            ("sorted(arrived)", "sorted(arrived, reverse=True)", "not in the order"),
            ("[answer for number, answer in", "[number for number, answer in", "expected [3, 1, 4, 2]"),
            ("queue.put((number, function(item)))", "queue.put((number, item))", "expected [3, 1, 4, 2]"),
            ("queue.put((number, function(item)))", "queue.put(function(item))", "TypeError"),
            ("    return [answer", "    [answer", "it returned None"),
            (
                "[queue.get() for _ in children]",
                "[queue.get() for _ in children[1:]]",
                "3 answers, expected 4",
            ),
            (_JOIN, "", "never joined"),
            (
                _START + _GET + _JOIN,
                "    arrived = []\n    for child in children:\n        child.start()\n"
                "        arrived.append(queue.get())\n        child.join()\n",
                "one after the other",
            ),
            (
                "    queue = Queue()\n",
                "    return [function(item) for item in items]\n    queue = Queue()\n",
                "main process did some of the work",
            ),
        ],
    ),
    "passing_messages/pool-inside": Worker(
        "Prices",
        "",
        [
            (
                "        self.tax = tax\n",
                "        self.tax = tax\n        self.pool = Pool(2)\n",
                "pool objects cannot be passed",
            ),
            ("Pool(2)", "Pool(1)", "one process did all 4 tasks"),
            (
                "return pool.map(self.with_tax, prices)",
                "pool.map(self.with_tax, prices)",
                "it returned None",
            ),
            (_POOL, "        return list(map(self.with_tax, prices))", "no other process took part"),
            (
                _POOL,
                "        return [self.with_tax(price) for price in prices]",
                "no other process took part",
            ),
            (
                "pool.map(self.with_tax, prices)",
                "[pool.apply(self.with_tax, (p,)) for p in prices]",
                "one after",
            ),
            ("self.tax // 100", "19 // 100", "expected [5, 6]"),
            ("self.tax // 100", "self.tax / 100", "expected [119, 238, 59, 8]"),
            ("pool.map(self.with_tax, prices)", "pool.map(self.with_tax, prices[::-1])", "not in the order"),
            ("pool.map(self.with_tax, prices)", "pool.map(lambda price: price, prices)", "lambda"),
            (
                "        with Pool(2) as pool:\n",
                "        pool = Pool(2)\n        if True:\n",
                "use `with Pool(...) as pool:`",
            ),
            ("        self.tax = tax\n", "        self.tax = tax\n        self.key = lambda: 1\n", "lambda"),
            (
                _POOL,
                "        from multiprocessing.pool import ThreadPool\n"
                "        with ThreadPool(2) as pool:\n            return pool.map(self.with_tax, prices)",
                "no other process took part",
            ),
        ],
    ),
    "passing_messages/two-stages": Worker(
        "two_stages",
        "",
        [
            (_TWICE + _TWICE, _TWICE, "in `get()`, and nobody puts anything"),
            ("middle, 2))", "middle, 1))", "in `get()`, and nobody puts anything"),
            ("for _ in range(2) for pair", "for _ in range(1) for pair", "the dictionary lacks"),
            (_LOOP, _ALL_BEFORE, "before `first` was through"),
            (
                "outbox.put((item, function(value)))",
                "outbox.put((value, function(value)))",
                "the dictionary lacks",
            ),
            (
                "outbox.put((item, function(value)))",
                "outbox.put((item, value))",
                "is not second(first(item))",
            ),
            ("    return dict(answers)", "    return answers", "expected a dictionary"),
            ("    return dict(answers)", "    dict(answers)", "it returned None"),
            (
                _ANSWERS + "    for child in children:\n        child.join()\n",
                "    for child in children:\n        child.join()\n" + _ANSWERS,
                "call `recv()` or `get()` first",
            ),
            ("    for child in children:\n        child.join()\n", "", "never joined"),
            (
                "    inbox, middle",
                "    return {item: second(first(item)) for item in items}\n    inbox, middle",
                "main process did some of the work",
            ),
            (
                "    for item in items:\n        inbox.put((item, item))\n",
                "    for item in items[1:]:\n        inbox.put((item, item))\n",
                "the dictionary lacks",
            ),
            (
                "    return dict(answers)",
                "    from time import sleep\n    Process(target=sleep, args=(60,)).start()\n"
                "    return dict(answers)",
                "still running",
            ),
        ],
    ),
}
