"""The threads of one fit: they start with it, serve its commands, and end with it, whatever happens."""

import threading

from fasttree._boosting_round import STOP_WORK, take_part
from fasttree._boosting_sync import STRIDE


def run_parts(task, n, n_threads):
    """Call ``task(start, stop)`` on equal parts of ``range(n)``, each on a thread of its own; the first error of any is raised."""
    n_threads = max(1, min(n_threads, n))
    errors = []

    def part(t):
        try:
            task(n * t // n_threads, n * (t + 1) // n_threads)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=part, args=(t,), daemon=True) for t in range(1, n_threads)]
    for thread in threads:
        thread.start()
    part(0)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Crew:
    """Context manager: helpers that wait at the barrier for the leader, who is the thread that calls `order`.

    Helpers stay inside one compiled function, without the GIL, until the context ends; they hold no lock. An error in a helper
    before it gets there is raised by the next `order`.
    """

    def __init__(self, n_threads, data, target, rules, plan, work, tree):
        self.n_threads, self.work = n_threads, work
        self.shared = (data, target, rules, plan, work, tree)
        self.threads, self.errors = [], []

    def _serve(self, thread):
        try:
            take_part(thread, self.n_threads, *self.shared)
        except BaseException as error:
            self.errors.append(error)
            self.work.arrived[self.n_threads * STRIDE] = 1

    def __enter__(self):
        self.threads = [
            threading.Thread(target=self._serve, args=(t,), name=f"fasttree-{t}", daemon=True) for t in range(1, self.n_threads)
        ]
        try:
            for thread in self.threads:
                thread.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def order(self, todo, output=0, n_rows=0, seed=0):
        """Have all threads do `todo`, the leader among them."""
        self.work.command[:] = todo, output, n_rows, seed
        take_part(0, self.n_threads, *self.shared)
        if self.errors:
            raise self.errors[0]

    def __exit__(self, *exception):
        self.work.command[0] = STOP_WORK
        self.work.arrived[self.n_threads * STRIDE] = 1
        for thread in self.threads:
            if thread.ident is not None:
                thread.join()
