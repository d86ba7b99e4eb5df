"""How often something may happen: token buckets, for everybody together and for each network."""

from collections import OrderedDict

from pygase.config import MAX_LIMITED_HOSTS

__all__ = ["Budget", "NetworkBudgets"]


class Budget:
    """A token bucket: so many a second on average, so many at once."""

    __slots__ = ("_burst", "_level", "_per_second", "_since")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._level = burst
        self._since = now

    def has(self, now: float) -> bool:
        """Whether one more may happen now."""
        self._level = min(self._burst, self._level + (now - self._since) * self._per_second)
        self._since = now
        return self._level >= 1.0

    def is_full(self, now: float) -> bool:
        """Whether it is as good as new."""
        return self._level + (now - self._since) * self._per_second >= self._burst

    def spend(self) -> None:
        """Count one that happened."""
        self._level = max(0.0, self._level - 1.0)

    def take(self, now: float) -> bool:
        """Count one if it may happen."""
        if not self.has(now):
            return False
        self.spend()
        return True


class NetworkBudgets:
    """A bucket for each network, bounded in number.

    Networks get in only with a proven address, so nobody can push others out by forging senders; the one that has
    been quiet for longest makes room. A bucket that is full again is forgotten, since a new one is the same.
    """

    __slots__ = ("_budgets", "_burst", "_per_second")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._budgets: OrderedDict[str, Budget] = OrderedDict()

    def __len__(self) -> int:
        return len(self._budgets)

    def of(self, network: str, now: float) -> Budget:
        """The bucket of a network, full if it is a new one."""
        while self._budgets and (oldest := next(iter(self._budgets))) != network and self._budgets[oldest].is_full(now):
            del self._budgets[oldest]
        budget = self._budgets.get(network)
        if budget is None:
            budget = self._budgets[network] = Budget(self._per_second, self._burst, now)
            if len(self._budgets) > MAX_LIMITED_HOSTS:
                self._budgets.popitem(last=False)
        else:
            self._budgets.move_to_end(network)
        return budget
