"""Which connect tokens have been used: each admits once, and none is forgotten before it expires."""

from pygase.config import MAX_TOKEN_HISTORY, TOKEN_LIFETIME
from pygase.netcode.addresses import Address

__all__ = ["TokenHistory"]


class _Use:
    __slots__ = ("address", "expires", "spent")

    def __init__(self, address: Address, expires: int) -> None:
        self.address = address
        self.expires = expires
        self.spent = False


class TokenHistory:
    """Remembers tokens by the tag of their private part, which no two of them share."""

    __slots__ = ("_limit", "_swept_at", "_uses")

    def __init__(self, limit: int = MAX_TOKEN_HISTORY) -> None:
        self._limit = limit
        self._swept_at = 0.0
        self._uses: dict[bytes, _Use] = {}

    def __len__(self) -> int:
        return len(self._uses)

    def claim(self, tag: bytes, address: Address, expires: int, unix_time: float) -> str | None:
        """Let an address use a token. Asking again from the same address is fine until the token has admitted.

        Args:
            tag: The last 16 bytes of the sealed private part.
            address: Who shows it.
            expires: Until when it has to be remembered, unix time.
            unix_time: Now.

        Returns:
            None if it may be used, else the reason to drop the request.
        """
        use = self._uses.get(tag)
        if use is not None:
            if use.spent or use.address != address:
                return "dropped_token_used"
            return None
        if len(self._uses) >= self._limit or unix_time >= self._swept_at + TOKEN_LIFETIME:
            self.forget_expired(unix_time)
            if len(self._uses) >= self._limit:
                return "dropped_token_history_full"
        self._uses[tag] = _Use(address, expires)
        return None

    def spend(self, tag: bytes) -> None:
        """Note that a token has admitted somebody: it never will again."""
        use = self._uses.get(tag)
        if use is not None:
            use.spent = True

    def is_spent(self, tag: bytes) -> bool:
        """Whether a token has admitted somebody."""
        use = self._uses.get(tag)
        return use is not None and use.spent

    def forget_expired(self, unix_time: float) -> None:
        """Drop tokens that expiry refuses anyway: done now and then, so that nothing grows."""
        self._swept_at = unix_time
        self._uses = {tag: use for tag, use in self._uses.items() if use.expires > unix_time}
