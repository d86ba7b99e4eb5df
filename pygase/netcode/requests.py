"""Connection requests: which of them are worth an answer, found out in the order of their cost."""

from collections import OrderedDict
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag

from pygase.config import CONNECT_TIMEOUT, MAX_EXPECTED_ADDRESSES, REQUESTS_BURST, REQUESTS_PER_SECOND
from pygase.errors import MalformedDatagram
from pygase.netcode.addresses import Address, normal_address
from pygase.netcode.budget import Budget
from pygase.netcode.channel import Drop
from pygase.netcode.crypto import TAG_BYTES, ExtendedCipher
from pygase.netcode.history import TokenHistory
from pygase.netcode.layout import REQUEST, REQUEST_AUTHENTICATED_END, REQUEST_BYTES, VERSION_INFO
from pygase.netcode.tokens import PrivateToken

__all__ = ["RequestDesk"]


class RequestDesk:
    """Reads connection requests and remembers the tokens that were shown.

    Args:
        addresses: What tokens may call this server; see `Server`.
        protocol_id: The game.
        private_key: Opens tokens, 32 bytes.
        unix_epoch: The unix time at which `now` was zero.
        now: When the server starts, monotonic seconds.
        token_lifetime: The longest that tokens live, in seconds.

    Attributes:
        history: The tokens that were shown.
        budget: Limits how many tokens of strangers are opened.
    """

    def __init__(
        self,
        *,
        addresses: Sequence[Address],
        protocol_id: int,
        private_key: bytes,
        unix_epoch: float,
        now: float,
        token_lifetime: int,
    ) -> None:
        self.history = TokenHistory()
        self.budget = Budget(REQUESTS_PER_SECOND, REQUESTS_BURST, now)
        self._addresses = frozenset(normal_address(address) for address in addresses)
        self._ports = frozenset(port for host, port in self._addresses if host in ("0.0.0.0", "::"))  # noqa: S104
        self._protocol_id = protocol_id
        self._cipher = ExtendedCipher(private_key)
        self._unix_epoch = unix_epoch
        self._earliest_expiry = int(unix_epoch + now) + token_lifetime
        self._expected: OrderedDict[Address, float] = OrderedDict()

    def open(self, data: bytes, address: Address, now: float) -> tuple[PrivateToken, bytes, int]:
        """Decrypt a request's token, once everything that can be known without has been tried.

        Returns:
            The token, its tag, and when it expires in unix time.

        Raises:
            Drop: It is not worth an answer.
        """
        if len(data) != REQUEST_BYTES:
            raise Drop("dropped_malformed")
        _, version, protocol_id, expires, nonce, sealed = REQUEST.unpack(data)
        if version != VERSION_INFO:
            raise Drop("dropped_wrong_version")
        if protocol_id != self._protocol_id:
            raise Drop("dropped_wrong_protocol")
        if expires <= int(self._unix_epoch + now):
            raise Drop("dropped_token_expired")
        if expires < self._earliest_expiry:
            raise Drop("dropped_token_predates_start")
        tag = sealed[-TAG_BYTES:]
        if self.history.is_spent(tag):
            raise Drop("dropped_token_used")
        if not self.is_expected(address, now) and not self.budget.take(now):
            raise Drop("dropped_over_budget")
        try:
            token = PrivateToken.from_bytes(self._cipher.decrypt(nonce, sealed, data[1:REQUEST_AUTHENTICATED_END]))
        except (InvalidTag, MalformedDatagram):
            raise Drop("dropped_token_invalid") from None
        if self._addresses.isdisjoint(token.addresses) and self._ports.isdisjoint(port for _, port in token.addresses):
            raise Drop("dropped_token_other_server")
        return token, tag, expires

    def claim(self, tag: bytes, address: Address, expires: int, now: float) -> None:
        """Let an address use a token, and from now on no other.

        Raises:
            Drop: It was another's, or has admitted already, or there is no room to remember it.
        """
        refusal = self.history.claim(tag, address, expires, self._unix_epoch + now)
        if refusal is not None:
            raise Drop(refusal)

    def expect(self, address: Address, now: float) -> None:
        """Note that an address was proven, so that its request is served whatever flood there is."""
        self._expected[address] = now + CONNECT_TIMEOUT
        self._expected.move_to_end(address)
        if len(self._expected) > MAX_EXPECTED_ADDRESSES:
            self._expected.popitem(last=False)

    def is_expected(self, address: Address, now: float) -> bool:
        """Whether an address was proven not long ago."""
        return self._expected.get(address, now) > now
