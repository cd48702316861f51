"""Wrong answers to the exercises of 14; the right ones are the solutions in the notebook."""

from tests.mutants.kinds import Worker

_MAPPED = "client.map(function, items, pure=False)"
_RETURN = "    return [None if future.exception() else future.result() for future in futures]"
_DRAFT = "    number, draft = tempfile.mkstemp(dir=os.path.dirname(path))\n    with open(number, "
_LAST = "    os.replace(draft, path)"
_WRITE = "file.writelines(pieces)"

WORKERS = {
    "beyond_one_machine/some-fail": Worker(
        "answers",
        "",
        [
            (_RETURN, "    return client.gather(futures)", "the exception of one task came out"),
            (_RETURN, '    return client.gather(futures, errors="skip")', "4 answers, expected 6"),
            (", pure=False", "", "dask takes two equal calls for one"),
            (_RETURN, "    return futures", "it returned futures"),
            ("    return [", "    [", "it returned None"),
            ("None if", "0 if", "expected [4, None, 3, 4, None, 0]"),
            (_RETURN, _RETURN.replace("in futures", "in futures[::-1]"), "not in the order"),
            (_MAPPED, "client.map(function, items[1:], pure=False)", "5 answers, expected 6"),
            (
                _MAPPED,
                _MAPPED + "\n    client.gather(client.map(function, items, pure=False), errors='skip')",
                "called 12 times",
            ),
            (
                f"    futures = {_MAPPED}\n{_RETURN}",
                "    return [function(item) for item in items]",
                "called here, not by a worker",
            ),
            ("future.exception()", "future.exception", "with its parentheses"),
            ("future.exception()", 'future.status != "finished"', "`future.status` does not wait"),
            (
                "None if future.exception() else future.result()",
                "future.exception() or future.result()",
                "place 1",
            ),
            (
                f"    futures = {_MAPPED}\n{_RETURN}",
                "    def all_of(items):\n"
                "        said = []\n"
                "        for item in items:\n"
                "            try:\n                said.append(function(item))\n"
                "            except ValueError:\n                said.append(None)\n"
                "        return said\n"
                "    return client.submit(all_of, items, pure=False).result()",
                "went as 1 task(s)",
            ),
        ],
    ),
    "beyond_one_machine/twice": Worker(
        "save",
        "",
        [
            (_DRAFT, "    draft = path\n    with open(path, ", "a half for the whole"),
            (_LAST, "", "there is no file at `path`"),
            (_DRAFT, "    draft = path + '.draft'\n    with open(draft, ", "after two calls at one time"),
            (
                _DRAFT + '"w"',
                "    draft = path + '.draft'\n    with open(draft, \"a\"",
                "after a killed call",
            ),
            (_WRITE, "file.writelines(sorted(pieces))", "stands in the file"),
            (_WRITE, "file.write(next(pieces))", "does it take all pieces?"),
            (_WRITE, "file.write(''.join(pieces).strip())", "stands in the file"),
            (
                _DRAFT,
                "    if os.path.exists(path):\n        os.remove(path)\n" + _DRAFT,
                "after a third one that was killed",
            ),
            (
                _LAST,
                "    with open(path, 'a') as file:\n        file.write(open(draft).read())",
                "after a second call",
            ),
            ("os.replace(draft, path)", "os.replace(path, draft)", "your code raised FileNotFoundError"),
            (
                _DRAFT + '"w") as file:\n        file.writelines(pieces)\n' + _LAST,
                "    text = ''.join(pieces)\n    with open(path, 'w') as file:\n        file.write(text)",
                "`path` itself was opened for writing",
            ),
            ("dir=os.path.dirname(path)", "", "the draft lies in another folder"),
            (
                '    with open(number, "w") as file:\n        file.writelines(pieces)',
                '    file = open(number, "w")\n    file.writelines(pieces)',
                "before the last piece was on the disk",
            ),
            (
                _LAST,
                "    os.replace(draft, path + '.draft')\n    os.replace(path + '.draft', path)",
                "gave their drafts one name",
            ),
        ],
    ),
    "beyond_one_machine/chunk-size": Worker(
        "chunk_size",
        "",
        [
            ("ceil(", "int(", "a chunk is a whole number"),
            ("min(enough, tasks // workers)", "enough", "some of the 100 workers get none"),
            ("min(enough, tasks", "max(enough, tasks", "expected 200"),
            ("max(1, min(enough, tasks // workers))", "min(enough, tasks // workers)", "fewer tasks"),
            (
                "max(1, min(enough, tasks // workers))",
                "min(max(1, tasks // workers), enough)",
                "costs nothing",
            ),
            ("workers * per_task / seconds", "per_task / seconds", "expected 200"),
            ("workers * per_task / seconds", "workers * seconds / per_task", "expected 200"),
            ("return max", "max", "it returned None"),
            ("ceil(workers", "(workers", "so make it an int"),
            ("tasks // workers", "tasks // (4 * workers)", "some of the 100 workers get none"),
            ("tasks // workers", "ceil(tasks / workers)", "one of the 6 workers gets none"),
            ("ceil(workers * per_task / seconds)", "round(workers * per_task / seconds)", "3 are too few"),
        ],
    ),
}
