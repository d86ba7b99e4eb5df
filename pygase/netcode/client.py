"""The client's side of netcode 1.02: from a connect token to a session and to its end, without I/O."""

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal

from pygase.config import HANDSHAKE_INTERVAL, KEEP_ALIVE_INTERVAL, REDUNDANT_DISCONNECTS
from pygase.errors import DisconnectReason, MalformedDatagram, NotConnected
from pygase.netcode.addresses import Address
from pygase.netcode.channel import Channel, Drop
from pygase.netcode.client_states import CLIENT_TRANSITIONS, END_REASONS, ClientEvent, ClientState
from pygase.netcode.crypto import new_cipher
from pygase.netcode.layout import KEEP_ALIVE, REQUEST, VERSION_INFO, PacketType
from pygase.netcode.signals import ClientSignal, Connected, Disconnected
from pygase.netcode.timers import TimerTable
from pygase.netcode.tokens import ConnectToken

__all__ = ["CLIENT_COUNTERS", "Client"]

CLIENT_COUNTERS: Final = (
    "dropped_forged",
    "dropped_malformed",
    "dropped_replayed",
    "dropped_unexpected",
    "dropped_wrong_sender",
)

_PAYLOAD: Final = int(PacketType.PAYLOAD)
_SENDING: Final = (ClientState.SENDING_CONNECTION_REQUEST, ClientState.SENDING_CONNECTION_RESPONSE)

_Timer = Literal["send", "silence", "expiry"]


class Client:
    """One session, from its token to its end. It begins at once; a further try takes a new client.

    Args:
        token: A connect token, or its 2,048 bytes, which may turn out not to be one.
        now: Monotonic seconds.
        addresses: Where to connect, in place of the addresses in the token.

    Attributes:
        state: One of the standard's states.
        reason: Why it ended, once it has.
        server_address: Whom it is talking to, and takes datagrams from.
        index: Its slot on the server, once connected.
        max_clients: The server's number of slots, once connected.
        stats: Counters, one for each reason to drop a datagram.
    """

    def __init__(self, token: ConnectToken | bytes, now: float, *, addresses: Sequence[Address] = ()) -> None:
        self.state = ClientState.DISCONNECTED
        self.reason: DisconnectReason | None = None
        self.server_address: Address = ("", 0)
        self._server: Address = self.server_address
        self.index = -1
        self.max_clients = 0
        self.stats: dict[str, int] = dict.fromkeys(CLIENT_COUNTERS, 0)
        self._outbox: list[tuple[bytes, Address]] = []
        self._signals: deque[ClientSignal] = deque()
        self._timers: TimerTable[_Timer] = TimerTable()
        self._challenge = b""
        try:
            self._token = token if isinstance(token, ConnectToken) else ConnectToken.from_bytes(token)
        except MalformedDatagram:
            self._end(ClientEvent.BAD_TOKEN)
            return
        self._servers: list[Address] = list(addresses or self._token.addresses)
        self._channel = Channel(
            new_cipher(self._token.client_to_server_key),
            new_cipher(self._token.server_to_client_key),
            self._token.protocol_id,
            now,
            self._token.next_sequence[0],
        )
        self._timers.set("expiry", now + (self._token.expires - self._token.created))
        self._try_next_server(ClientEvent.CONNECT, now)

    # --- what comes in ----------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: Address, now: float) -> bytes | None:
        """Take a datagram from the socket. The hot path.

        Returns:
            The payload, if it carried one.
        """
        try:
            if address[:2] != self._server:
                raise Drop("dropped_wrong_sender")
            if self.state is ClientState.CONNECTED and data[0] & 0x0F == _PAYLOAD:
                return self._channel.open_payload(data, now)
            if self.state <= ClientState.DISCONNECTED:
                raise Drop("dropped_unexpected")
            self._receive_control(data, now)
        except Drop as drop:
            self.stats[drop.reason] += 1
        except IndexError:  # an empty datagram
            self.stats["dropped_malformed"] += 1
        return None

    def _receive_control(self, data: bytes, now: float) -> None:
        kind, body = self._channel.open_packet(data, now)
        if kind is PacketType.KEEP_ALIVE and self.state is not ClientState.SENDING_CONNECTION_REQUEST:
            self._channel.last_received = now
            if self.state is ClientState.SENDING_CONNECTION_RESPONSE:
                self.index, self.max_clients = KEEP_ALIVE.unpack(body)
                self._welcome(now)
        elif kind is PacketType.CHALLENGE and self.state is ClientState.SENDING_CONNECTION_REQUEST:
            self._channel.last_received = now
            self._challenge = body
            self._advance(ClientEvent.CHALLENGED)
            self._send(now)
        elif kind is PacketType.DENIED and self.state in _SENDING:
            self._fail(ClientEvent.DENIED, now)
        elif kind is PacketType.DISCONNECT and self.state is ClientState.CONNECTED:
            self._end(ClientEvent.DISMISSED)
        else:
            # Among them payloads that overtook the first keep-alive: by the standard they are discarded.
            raise Drop("dropped_unexpected")

    def _welcome(self, now: float) -> None:
        self._advance(ClientEvent.WELCOMED)
        self._timers.cancel("expiry")
        # At once, so that the server stops to repeat itself.
        self._send(now)
        self._signals.append(Connected(None))

    # --- what goes out ----------------------------------------------------------------------------------------------

    def seal(self, payload: bytes, now: float) -> bytes:
        """Make the datagram that carries a payload to the server. The hot path.

        Raises:
            NotConnected: There is no session.
            TooLarge: The payload is empty or above 1,200 bytes.
        """
        if self.state is not ClientState.CONNECTED:
            raise NotConnected("there is no session to send in")
        return self._channel.seal(payload, now)

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        """Take what has to go out: handshakes, keep-alives, goodbyes."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def _send(self, now: float) -> None:
        """Send what the state calls for, and set the time for it to be sent again."""
        token = self._token
        interval = HANDSHAKE_INTERVAL
        if self.state is ClientState.SENDING_CONNECTION_REQUEST:
            datagram = REQUEST.pack(0, VERSION_INFO, token.protocol_id, token.expires, token.nonce, token.private)
            self._channel.last_sent = now
            # The request is not sealed and so needs no number, but the reference gives it one, and with it the
            # response is number 1.
            self._channel.next_sequence += 1
        elif self.state is ClientState.SENDING_CONNECTION_RESPONSE:
            datagram = self._channel.seal_packet(PacketType.RESPONSE, self._challenge, now)
        else:
            datagram = self._channel.seal_packet(PacketType.KEEP_ALIVE, KEEP_ALIVE.pack(0, 0), now)
            interval = KEEP_ALIVE_INTERVAL
        self._outbox.append((datagram, self.server_address))
        self._timers.set("send", now + interval)

    # --- time -------------------------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        return self._timers.next()

    def handle_timer(self, now: float) -> None:
        """Repeat what was not answered, keep the session alive, give up when it is time."""
        while (timer := self._timers.pop_due(now)) is not None:
            if timer == "expiry":
                self._end(ClientEvent.EXPIRED)
            elif timer == "silence":
                self._check_silence(now)
            else:
                # Payloads sent meanwhile move the time for a keep-alive, and are seen only here.
                interval = KEEP_ALIVE_INTERVAL if self.state is ClientState.CONNECTED else HANDSHAKE_INTERVAL
                due = self._channel.last_sent + interval
                if due <= now:
                    self._send(now)
                else:
                    self._timers.set("send", due)

    def _check_silence(self, now: float) -> None:
        gives_up = self._channel.last_received + self._token.timeout
        if gives_up <= now:
            self._fail(ClientEvent.SILENT, now)
        else:
            self._timers.set("silence", gives_up)

    # --- from state to state ----------------------------------------------------------------------------------------

    def disconnect(self, now: float) -> None:
        """End the session, with a goodbye if there is anybody to hear it. Does nothing if it has ended already."""
        if self.state <= ClientState.DISCONNECTED:
            return
        if self.state is not ClientState.SENDING_CONNECTION_REQUEST:
            for _ in range(REDUNDANT_DISCONNECTS):
                goodbye = self._channel.seal_packet(PacketType.DISCONNECT, b"", now)
                self._outbox.append((goodbye, self.server_address))
        self._end(ClientEvent.LEAVE)

    def _fail(self, event: ClientEvent, now: float) -> None:
        """Go on to the next server if there is one and the session has not begun."""
        if self.state in _SENDING and self._servers:
            self._try_next_server(ClientEvent.NEXT_SERVER, now)
        else:
            self._end(event)

    def _try_next_server(self, event: ClientEvent, now: float) -> None:
        self.server_address = self._servers.pop(0)
        self._server = self.server_address[:2]  # IPv6 sockets give two numbers more, which may differ
        self._advance(event)
        # Another server numbers its packets from the start. Ours go on, for the keys are the same.
        self._channel.forget()
        self._channel.last_received = now
        if self._token.timeout > 0:
            self._timers.set("silence", now + self._token.timeout)
        self._send(now)

    def _end(self, event: ClientEvent) -> None:
        was_connected = self.state is ClientState.CONNECTED
        reason = END_REASONS.get(event)
        if reason is None:
            reason = DisconnectReason.TIMED_OUT if was_connected else DisconnectReason.NO_ANSWER
        if event is not ClientEvent.BAD_TOKEN:
            # Whoever uses this token again goes on where this client ends.
            self._token.next_sequence[0] = self._channel.next_sequence
            self._channel.shut()
        self._advance(event)
        self._timers = TimerTable()
        self.reason = reason
        self._signals.append(Disconnected(reason, was_connected))

    def _advance(self, event: ClientEvent) -> None:
        self.state = CLIENT_TRANSITIONS[self.state, event]

    def next_signal(self) -> ClientSignal | None:
        """Take the next thing that the layer above has to know."""
        return self._signals.popleft() if self._signals else None
