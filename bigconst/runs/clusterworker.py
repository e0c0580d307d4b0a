"""How a worker of a cluster leaves: on SIGTERM it gives back what it has, and only then goes.

This module is imported where dask.distributed is, in coordinators and workers.
"""

import asyncio
import signal
import threading

from distributed import Worker, WorkerPlugin
from distributed.core import Status

from bigconst.runs import clusterpart

LOOK_S = 0.2
AFTER_S = 1.0
"""Seconds in which the last result goes to the scheduler."""


class Leaving(WorkerPlugin):
    """Has SIGTERM, and without a nanny Ctrl-C, end a worker when the parts that it computes have been given back."""

    name = "bigconst-leaving"

    def setup(self, worker: Worker) -> None:
        """Take over SIGTERM, where the worker is the main thread of its process."""
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()

            def begin(number: int, frame) -> None:
                loop.call_soon_threadsafe(self._begin, worker)

            signal.signal(signal.SIGTERM, begin)
            # Ctrl-C reaches all processes of a terminal: a nanny ends its worker itself.
            signal.signal(signal.SIGINT, begin if worker.nanny is None else signal.SIG_IGN)

    def _begin(self, worker: Worker) -> None:
        clusterpart.leave(clusterpart.EVERYTHING)
        self._going = asyncio.get_running_loop().create_task(self._leave(worker))

    async def _leave(self, worker: Worker) -> None:
        worker.status = Status.paused       # it gets nothing new
        while worker.state.executing_count:
            await asyncio.sleep(LOOK_S)
        await asyncio.sleep(AFTER_S)
        await worker.close_gracefully(reason="bigconst: it was asked to go")
