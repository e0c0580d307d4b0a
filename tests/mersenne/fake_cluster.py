"""A cluster that is made up: what is submitted to its workers is computed in this process."""

from bigconst.runs.cluster import ClusterWorker


def workers(*threads):
    return [ClusterWorker(f"tcp://{i}", f"worker {i}", each, None) for i, each in enumerate(threads)]


class FakeCluster:
    """A function is computed when results are asked for, the first one first; `spoil` changes what it returns."""

    def __init__(self, spoil=lambda key, part, done: done, *threads):
        self._spoil, self.waiting, self.given_up, self.there = spoil, [], [], workers(*(threads or (1,)))

    def workers(self):
        return self.there

    def is_connected(self):
        return True

    def submit(self, key, function, part, worker):
        self.waiting.append((key, function, part, worker))

    def collect(self, timeout_s):
        if not self.waiting:
            return []
        key, function, part, _ = self.waiting.pop(0)
        try:
            result = self._spoil(key, part, function(part))
        except Exception as error:
            result = error
        return [] if result is None else [(key, result)]

    def give_up(self, key):
        self.given_up.append(key)

    def on_workers(self, function, *arguments):
        function(*arguments)
