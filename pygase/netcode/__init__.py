"""Secure sessions without I/O: netcode 1.02, and the join exchange that hands out its connect tokens.

Interface for the layer above; the bodies follow. `Address` is whatever the socket gives (host, port, ...).

    Entropy = Callable[[int], bytes];  Address = tuple (hashable; [0] host, [1] port)

    # --- what both links offer; a WebSocket link implements the same ------------------------------------------
    class SecureServer:
        def __init__(self, *, addresses: Sequence[Address], keys: ServerKeys, max_clients: int, entropy: Entropy,
                     unix_epoch: float, now: float, policy: JoinPolicy | None = None,
                     protocol_id: int = PROTOCOL_ID, peer_timeout: int = PEER_TIMEOUT)
            # policy None: no join exchange, only tokens minted elsewhere admit
        peers: Mapping[Address, Peer]
        stats: dict[str, int]                       # counters, among them one per drop reason ("dropped_...")
        fingerprint: str
        def receive_datagram(self, data: bytes, address: Address, now: float) -> tuple[Peer, bytes] | None
        def datagrams_to_send(self) -> list[tuple[bytes, Address]]   # flush BEFORE what peers sealed
        def next_signal(self) -> PeerConnected | PeerDisconnected | None
        def next_timer(self) -> float | None
        def handle_timer(self, now: float) -> None
        def disconnect(self, peer: Peer, now: float, reason=DisconnectReason.KICKED) -> None   # signals too
        def close(self, now: float) -> None         # says goodbye to all; datagrams_to_send() once more after it
        def make_ticket(self, peer: Peer, now: float) -> bytes       # reconnect ticket, <= MAX_TICKET_BYTES

    class Peer:    # hashable by identity, slotted; `context: Any` is free for the layer above
        address, client_id: int, user_data: bytes, room: str, is_host_by_token: bool, returning: bool, index: int
        connected_at, last_received, last_sent: float;  timeout: float
        def seal(self, payload: bytes, now: float) -> bytes          # 1..1,200 bytes, one datagram

    class SecureClient:
        def __init__(self, *, address: Address | None = None, token: ConnectToken | None = None, entropy, unix_epoch,
                     now, fingerprint: str | None = None, password: str | None = None, room: str = "",
                     ticket: bytes = b"", payload: bytes = b"", protocol_id=PROTOCOL_ID,
                     connect_timeout=CONNECT_TIMEOUT)
            # starts at once: datagrams_to_send() has the first hello. Give an address, or a token (its addresses count)
        state: ClientState                          # JOINING, REQUESTING, RESPONDING, CONNECTED, DISCONNECTED
        client_id: int | None; server_address; reason: DisconnectReason | None; stats: dict[str, int]
        fingerprint: str | None                     # of the server met, once known
        index: int; max_clients: int                # once connected
        def receive_datagram(self, data, address, now) -> bytes | None
        def seal(self, payload, now) -> bytes
        def datagrams_to_send(self) -> list[tuple[bytes, Address]]
        def next_signal(self) -> Connected | Disconnected | None     # Disconnected(reason) also if it never connected
        def next_timer(self); def handle_timer(self, now); def disconnect(self, now)

    @dataclass(frozen, slots) PeerConnected(peer), PeerDisconnected(peer, reason), Connected(client_id),
                              Disconnected(reason, was_connected)

    # --- joining ------------------------------------------------------------------------------------------------
    @dataclass(frozen, slots) JoinPolicy(password: str | None = None, admit: Callable[[JoinRequest], Admission | DisconnectReason] | None = None)
    @dataclass(frozen, slots) JoinRequest(address, room: str, payload: bytes, ticket: Ticket | None)
        # Ticket(client_id, room, user_data, is_host, expires): valid and unexpired, else None
    @dataclass(frozen, slots) Admission(client_id: int | None = None, user_data: bytes = b"", is_host: bool = False, room: str | None = None)
        # client_id None: the ticket's, or a fresh random one
    class ServerKeys:  .generate(entropy) / token_key, identity, ticket_key, fingerprint
    def parse_url("pygase://host:port/#fingerprint") -> ServerUrl(host, port, fingerprint | None);  format_url(...)

    # --- plain netcode 1.02 underneath: Server, Client, ConnectToken (tokens.py), packets, ReplayWindow
"""
