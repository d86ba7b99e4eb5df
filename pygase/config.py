"""Limits and timings, each with its reason. Sizes are in bytes and times in seconds unless the name says otherwise.

They stand on one page, in the order of the layers, so that whoever asks what a peer can make the other side keep, or
wait for, need not look further.
"""

from typing import Final

# --- what several layers go by ------------------------------------------------------------------------------------

MAX_PAYLOAD_BYTES: Final = 1_200
"""Largest payload of one datagram: netcode 1.02's limit, which fits every path's MTU with room for tunnels."""

MAX_VALUE_DEPTH: Final = 32
"""Levels of nesting in a value. Games nest four or five deep; C and Python both still cope with 32 without recursion
trouble."""

MAX_EVENT_BYTES: Final = 256 * 1024
"""Largest encoded event: a chat log or a level chunk; anything larger belongs into the state or a download."""

MAX_STATE_BYTES: Final = 8 * 1024 * 1024
"""Largest encoded game state: the contract asks for 4 MiB; twice that still joins in seconds on a home line."""

RELIABLE: Final = -1
"""`retries=RELIABLE`: resent until acknowledged, in order, exactly once."""

PROTOCOL_ID: Final = 0x7079_6761_7365_0001
"""netcode's protocol id: "pygase" in ASCII and the version of our packets. Versions that differ cannot connect."""

CONNECT_TIMEOUT: Final = 10.0
"""How long a client tries to connect: long enough for a slow mobile link to wake up, short enough to wait for."""

PEER_TIMEOUT: Final = 6.0
"""Silence after which a peer counts as lost: players forgive a 4 s radio gap, not a ghost that stands about."""

NEVER: Final = float("inf")
"""A deadline that does not come."""

LOG_INTERVAL: Final = 1.0
"""At most one log line a second for anything whose rate somebody else chooses; the line says how many were left out."""

# --- netcode: sessions --------------------------------------------------------------------------------------------

KEEP_ALIVE_INTERVAL: Final = 1.0
"""Silence after which a connected side says that it lives. The standard's example is 10 Hz; at that rate 1,000 idle
clients cost 10,000 datagrams a second each way. Once a second costs 1 % of a core, and with a 6 s timeout five in a
row must be lost before anybody is thought dead: one in 3,000 at 20 % loss, per six seconds without any other word."""

HANDSHAKE_INTERVAL: Final = 0.1
"""How often a request, a response, or the keep-alive of an unconfirmed client is repeated: netcode's own 10 Hz."""

REDUNDANT_DISCONNECTS: Final = 10
"""How many times a goodbye is said: the reference's number. At 50 % loss one in a thousand is not heard."""

REPLAY_WINDOW: Final = 256
"""How far behind the newest a packet may come: the standard's number, four seconds at 60 packets a second."""

TOKEN_LIFETIME: Final = 30
"""Seconds in which a connect token must be used: the reference's default. A server refuses any token that expires
earlier than this after its start, since it could be from before; so whoever mints them uses the same number."""

MAX_TOKEN_HISTORY: Final = 16_384
"""Tokens that a server remembers until they expire, about 5 MB. When it is full a new token is refused, so that a
used one is never forgotten. 30 s of joins at `JOINS_PER_SECOND` are 12,000."""

MAX_PENDING_FACTOR: Final = 4
"""Handshakes under way at once, per client slot: the reference's number."""

MIN_PENDING: Final = 1_024
"""How many may be under way at least, so that a few who never answer do not block a small server. About 4 MB."""

REQUESTS_PER_SECOND: Final = 1_000
"""Connection requests whose token is decrypted per second, of those from addresses not yet proven by a join. One
costs 10 microseconds, so a flood of forged ones takes 1 % of a core."""

REQUESTS_BURST: Final = 1_000
"""How many of them may come at once: everybody's return after a server's restart, 10 ms of work."""

# --- netcode: the join exchange -----------------------------------------------------------------------------------

MAX_ROOM_BYTES: Final = 32
"""Longest name of a room in UTF-8: it travels in the token's 256 bytes of user data, beside what the game puts in."""

MAX_PASSWORD_BYTES: Final = 128
"""Longest password in UTF-8: a long sentence."""

MAX_JOIN_PAYLOAD_BYTES: Final = 256
"""What a client may tell the join policy, such as an account name or a ticket from a web site."""

HELLO_INTERVAL: Final = 0.25
"""First wait for an answer to a hello, longer than most round trips; each further wait is half as long again."""

HELLO_MAX_INTERVAL: Final = 1.0
"""Longest wait between two hellos, so that a loss near the end of `CONNECT_TIMEOUT` still leaves some tries."""

COOKIE_LIFETIME: Final = 10.0
"""A cookie's secret changes this often and its predecessor still counts: a slow client has at least 10 s, and what
was recorded is worth nothing after 20."""

HELLOS_PER_SECOND: Final = 5_000
"""First hellos answered per second: under 5 % of a core, and more than a thousand clients ever need at once."""

HELLOS_BURST: Final = 1_000
"""How many of them may come at once: 10 ms of work."""

JOINS_PER_SECOND: Final = 400
"""Hellos with a valid cookie per second whose sealed part is opened and answered: 0.25 ms each, so a tenth of a
core when somebody wears the server out on purpose. 1,000 players are in after two to three seconds."""

JOINS_BURST: Final = 40
"""How many of them may come at once: 10 ms of work, so that a flood of them holds up no tick."""

JOINS_PER_SECOND_PER_HOST: Final = 10
"""The same for one IPv4 address or IPv6 /64 network: a household or a school behind one router needs a few."""

JOINS_BURST_PER_HOST: Final = 64
"""How many of them may come at once: a LAN party behind one address. The server's own machine is not limited."""

GUESSES_PER_SECOND: Final = 5.0
"""Wrong passwords per second that are checked at all; the next ones are refused unread. At this rate a random
password of six letters and digits lasts for years."""

GUESSES_BURST: Final = 100
"""Wrong passwords in a row before that limit bites: a full server's worth of typing errors."""

GUESSES_PER_SECOND_PER_HOST: Final = 0.1
"""The same for one IPv4 address or IPv6 /64 network: one more try every ten seconds."""

GUESSES_BURST_PER_HOST: Final = 5
"""Wrong passwords in a row from one network before it has to wait."""

MAX_LIMITED_HOSTS: Final = 4_096
"""Networks whose joins and guesses are counted, about 1 MB. Only proven addresses are entered; the one that has
been quiet for longest makes room."""

MAX_EXPECTED_ADDRESSES: Final = 2_048
"""Addresses that were proven by a join and whose connection request is therefore served before anybody else's."""

TICKET_LIFETIME: Final = 24 * 3_600
"""Seconds for which a reconnect ticket gives the same `client_id` again: a day, longer than any seat is held."""

MAX_TICKET_BYTES: Final = 400
"""Longest reconnect ticket: 250 bytes of user data and what belongs to it."""

# --- protocol: one connection's traffic ---------------------------------------------------------------------------

MAX_MESSAGE_BYTES: Final = MAX_EVENT_BYTES + 1_024
"""Largest message: the largest event and what the session layer puts in front of it."""

MAX_SNAPSHOT_BYTES: Final = MAX_STATE_BYTES + MAX_STATE_BYTES // 8
"""Largest encoded update: the largest state, and an eighth for what an update says beyond the values."""

FRAGMENT_BYTES: Final = 1_080
"""Payload of a fragment; what remains of 1,200 holds the packet's header, 64 bytes of ack runs, the longest fragment
header (29) and, mostly, a few small messages. Also the largest message that travels in one piece."""

MAX_ACK_DELAY: Final = 0.025
"""How long an ack may wait for company, RFC 9000 section 13.2.1's usual value: half a 20 Hz tick."""

RELAXED_ACK_DELAY: Final = 0.075
"""The same for packets with nothing but state: a client that sends at 20 Hz then never sends a packet for an ack."""

ACK_EVERY_PACKETS: Final = 16
"""Ack at the latest after so many packets that ask for one: keeps a fast sender's window moving at 1/16 the packets."""

COALESCE_DELAY: Final = 0.0015
"""Under load at most one packet that is not full per 1.5 ms: unnoticeable, and 60,000 events/s make 1,300 packets/s."""

MAX_ACK_RUNS: Final = 64
"""Runs of received packet numbers remembered; what lies below the oldest counts as received. At 20 % loss they reach
back some 400 packets, more than ever are on their way."""

MAX_ACK_RUN_BYTES: Final = 64
"""Bytes of gaps and runs in one packet (at most 31 pairs): with them a fragment still fits."""

PACKET_THRESHOLD: Final = 3
"""A packet is lost when one sent so many later is acknowledged, RFC 9002 section 6.1.1."""

INITIAL_RTT: Final = 0.1
"""Round trip assumed before the first sample, for timers and pacing: a usual internet path."""

MAX_PROBE_INTERVAL: Final = 0.5
"""Longest pause between probes while nothing comes back: ends a radio gap half a second after the radio is back."""

MAX_LOST_REMEMBERED: Final = 256
"""Lost packets kept in case their ack was only late: about two round trips of a fast line."""

INITIAL_WINDOW_BYTES: Final = 12_000
"""Bytes in flight before anything is known, RFC 9002 section 7.2: ten packets."""

MIN_WINDOW_BYTES: Final = 4_800
"""Four packets: below that neither loss detection nor delayed acks work."""

MAX_WINDOW_BYTES: Final = 4 * 1024 * 1024
"""More than 20 MB/s at 200 ms; bounds what is in flight, and so the memory for it, in front of a lying peer."""

RELIABLE_WINDOW: Final = 8_192
"""Reliable messages between the oldest unacknowledged and the newest sent: 60,000/s at a round trip of 136 ms. A
receiver buffers no more out of order than this and the next."""

RELIABLE_WINDOW_BYTES: Final = 1024 * 1024
"""The same in bytes: 2 MB/s through three round trips of 170 ms that a twice lost packet takes."""

RETRIED_WINDOW: Final = 1_024
"""Message ids with retries between the oldest unsettled and the newest; the receiver remembers exactly these."""

LARGE_WINDOW: Final = 64
"""Fragmented messages of one mode between the oldest unsettled and the newest."""

LARGE_WINDOW_BYTES: Final = 512 * 1024
"""The same in bytes: two of the largest. Bounds what unfinished fragments of one mode can hold."""

PARTIAL_MAX_AGE: Final = 10.0
"""An unfinished fragmented message without progress for so long is forgotten: longer than a peer may be silent."""

MAX_BACKLOG_BYTES: Final = 4 * 1024 * 1024
"""Messages of one mode waiting or unacknowledged on one connection; past it `BacklogFull`."""

MAX_BACKLOG_MESSAGES: Final = 65_536
"""The same in number: a second of the fastest stream there is."""

UNRELIABLE_MAX_AGE: Final = 1.0
"""An unreliable message the line had no room for is dropped after one to two of these: nobody wants it by then."""

# --- state --------------------------------------------------------------------------------------------------------

MAX_TIME_ORDER: Final = (1 << 63) - 1
"""Largest time order: at 50 ticks a second it lasts for some billions of years, and still fits a signed 64-bit."""

MAX_HISTORY_UPDATES: Final = 128
"""Updates kept to make deltas of: 2.5 s at 50 ticks a second. Whoever lags further behind gets the whole state."""

MAX_HISTORY_BYTES: Final = 4 * 1024 * 1024
"""Size of the updates kept: past this a delta would be as expensive as the state itself."""

MAX_PENDING_UPDATES: Final = 128
"""Received updates that wait for the game to look: 2.5 s at 50 ticks a second; older ones are merged into one."""

UPDATE_MEMORY_PER_BYTE: Final = 160
"""Bytes of memory that an update of a single datagram may cost its reader, for each of its own: what a datagram full
of small objects takes. What costs more is padded by its sender, so that nobody can be made to spend much for little."""

UPDATE_MEMORY_SPARE: Final = 40 * 1024
"""The same besides, for updates of few bytes and many equal values. Both together stay below 256 KiB at 1,200 bytes."""

UPDATE_MEMORY_PER_BYTE_OF_LARGE: Final = 2_048
"""The same for an update that takes more than one datagram: a large and empty map may still travel as a few of them."""

MAX_UPDATE_MEMORY: Final = 48 * MAX_STATE_BYTES
"""The same for any update's columns. The dearest state there is, of empty lists only, takes 40 times its size."""

COMPRESS_ABOVE_BYTES: Final = 2_048
"""Encoded states larger than this are compressed: below two datagrams there is nothing to win, and it costs time."""

WHOLE_SLICE_BYTES: Final = 32 * 1024
"""How much of a whole state is encoded and compressed in one go, for somebody who joins: 1 to 2 ms of work, so that a
megabyte holds nobody else up."""

WHOLE_SLICE_PAUSE: Final = 0.001
"""How long everybody else has their turn between two such slices: a megabyte is encoded in about 0.1 s."""

WHOLE_LIFETIME: Final = 0.25
"""For how long a whole state, once encoded in slices, also serves others who join: what has changed since follows."""

MAX_KNOWN_NAMES: Final = 16_384
"""Entries of a feed's table of known names. When it is full it starts anew: 16,384 names cost 1 MB at each end."""

MAX_KNOWN_NAME_BYTES: Final = 64
"""Longest string that gets a number in the table of known names; longer ones are rarely repeated and fill memory."""

MAX_VIEWS_IN_FLIGHT: Final = 32
"""Views of one client, with `Server(view=...)`, that are remembered from the newest it has acknowledged on: 1.6 s at
20 ticks a second. A client further behind gets its whole view, as one that joins does."""

SHOWING_SHARE: Final = 0.9
"""With `Server(view=...)`, ticks that take longer than this share of their interval are shown to some clients in turn,
not to all. The rest is for what else a server does; with none left, every tick would be late, for everybody."""

LONGEST_UNSEEN: Final = 0.2
"""No client is left out of ticks for so long then: five updates a second still make a game."""

MAX_VIEW_NAMES: Final = 1_024
"""The same as `MAX_KNOWN_NAMES` where each client has a table of its own: a thousand clients, and 64 MB at most."""

# --- session ------------------------------------------------------------------------------------------------------

DISCONNECT_WAIT: Final = 1.0
"""How long a polite leave waits for reliable events to be acknowledged: several round trips, and no felt freeze."""

DEAF_AFTER: Final = 2 * PEER_TIMEOUT
"""Seconds after which a server sends a client away that lives and acknowledges nothing, so that what waits for it does
not grow for ever. One whose line is dead in one direction has noticed that itself by then, and has come back."""

FAREWELL_RETRIES: Final = 5
"""How often a server says again why a connection ends, if the client has not heard it."""

FAREWELL_WAIT: Final = 0.4
"""How long a server waits for a client to hear why its connection ends, before it just ends it."""

SEAT_HOLD: Final = 75.0
"""How long a server keeps the place of a client that was cut off: a minute's tunnel or a closed laptop lid, and time
for the client's next attempt."""

MAX_DEPARTED: Final = 4_096
"""Client ids remembered whose place is gone, so that one who comes back too late is told so: an evening's players."""

RECONNECT_FOR: Final = 90.0
"""How long a client that was cut off tries to get back: longer than its seat is held, so that it hears the truth."""

RECONNECT_ATTEMPT: Final = 3.0
"""What one attempt to get back may take: several round trips of the slowest line that can be played on."""

RECONNECT_PAUSE: Final = 0.25
"""Pause before the first attempt to get back; each further one is twice as long, up to the next number."""

MAX_RECONNECT_PAUSE: Final = 4.0
"""Longest pause between attempts to get back: what a player who watches the screen will still wait for."""

WELCOME_INTERVAL: Final = 0.1
"""How often a server repeats its welcome to a client that came back, until the client has answered."""

PING_INTERVAL: Final = 1.0
"""How often a client measures the round trip where no acknowledgement tells it: as often as a player looks at it."""

IDLE_STATE_INTERVAL: Final = 0.5
"""How often a client hears of a `time_order` that moved on without any change: half a second, like a keep-alive."""

MAX_HELD_BYTES: Final = 4 * 1024 * 1024
"""Events a client holds until its state has caught up with them: what arrives while a large state loads."""

HELD_EVENT_OVERHEAD: Final = 300
"""Bytes that Python adds to each event in memory, counted so that many small ones cannot take more than that."""

PACKETS_PER_SECOND: Final = 4_000.0
"""Packets a server takes from one client per second, once the burst below is used up: a game sends 20 to 60."""

PACKETS_BURST: Final = 40_000.0
"""Packets above `PACKETS_PER_SECOND` that a client may save up: an upload in small pieces."""

BYTES_PER_SECOND: Final = 2.0 * 1024 * 1024
"""Payload bytes a server takes from one client per second, once the burst below is used up: a fast home line."""

BYTES_BURST: Final = 32.0 * 1024 * 1024
"""Payload bytes above `BYTES_PER_SECOND` that a client may save up."""

EVENTS_PER_SECOND: Final = 5_000
"""Events a server takes from one client per second, once the burst below is used up. A player who holds three keys
at 60 frames a second sends 180; a hostile client that sends 10,000 is disconnected."""

EVENTS_BURST: Final = 150_000
"""Events above `EVENTS_PER_SECOND` that a client may save up: a bulk upload of 120,000, as fast as there is, and some
to spare. One that sends 10,000 a second is cut off after half a minute, and has cost a tenth of a core until then."""

FAULTS_PER_SECOND: Final = 10.0
"""Malformed packets and messages a server takes from one client per second, once the burst below is used up. An honest
one sends none: its packets are sealed, so that no line can spoil them. Without a limit one hostile client could keep
half a core busy with what is dropped."""

FAULTS_BURST: Final = 2_000.0
"""How many of them before a client is sent away: half a second of work, and enough to be seen in the counters."""

BULK_HURRY: Final = 0.1
"""So long after it has worked at more than one packet for a client, a server reads at once and runs its timers in time,
busy or not: the client's acknowledgements and the timers let the rest go."""

MAX_SEND_BURST: Final = 32
"""Packets that go to one client in one go, before others and what has arrived get their turn: 0.5 ms of work."""

MAX_HANDED_OVER: Final = 64
"""Events that a frame loop has left for the network thread to send: more than a frame sends, and little to look through
when the connection ends. What is over is sent by whoever dispatches it."""

# --- drivers ------------------------------------------------------------------------------------------------------

COROUTINE_GRACE: Final = 1.0
"""How long coroutine handlers may go on once the connection is over: enough to say goodbye to a player or to save a
score. One that never ends does not keep a program waiting."""

MAX_STATE_HISTORY: Final = 256
"""State updates kept for smoothing until the game takes them: five seconds at 50 ticks a second."""

GATHER_INTERVAL: Final = 0.0015
"""A busy server looks into its socket at most so often and handles what has gathered in one go: waking up for each
datagram costs several times what the datagram does. Network cards do the same with their interrupts."""

BUSY_RATE: Final = 30.0
"""Datagrams a second, two players' who send twenty times a second, above which a server whose events are all handled by
ticks looks into its socket only when a tick begins: with four players that halves what each costs. No event is handled
later by it, and round trips are measured from when a datagram arrived; only acknowledgements and other things that are
a matter of time come up to a tick later, and of a joining player's handshake each step."""

LONGEST_GATHER: Final = 0.1
"""The longest interval of ticks for which that is done."""

RELIEF_INTERVAL: Final = 0.05
"""When a handler takes longer than this, the network gets a thread of its own: long before a peer would miss an
acknowledgement for good, and seldom enough to cost a thousandth of a core."""

MAX_RECEIVE_BATCH: Final = 256
"""Datagrams read per wake-up before timers and sending get their turn: bounds how long a flood can hold them up."""

SOCKET_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Asked of the operating system, which may give less: room for the bursts of a thousand clients between two turns."""

# --- what runs a game: servers, and their loops -------------------------------------------------------------------

MAX_CLIENTS: Final = 1_024
"""Most clients of one server unless it is told otherwise: what one core can serve (docs/performance.md)."""

MAX_INBOX_EVENTS: Final = 65_536
"""Events that wait for the game to take them. A game that has not taken so many has stopped, or is being flooded."""

MAX_INBOX_BYTES: Final = 64 * 1024 * 1024
"""The same in bytes on the wire: what a hostile server can make a client keep that does not look."""

MAX_INBOX_LIFECYCLE_EVENTS: Final = 8_192
"""Comings and goings of clients that are queued for a game even past that: eight full servers' worth."""

TICK_INTERVAL: Final = 0.02
"""Default seconds between ticks: pygase 0.3's, 50 a second."""

TICK_WAIT: Final = 5.0
"""How long a shutdown waits for the tick under way: one that saves the game may take a while, one that hangs must not
keep the program from ending."""

MAX_TICK_DT: Final = 0.25
"""Longest `dt` a time step is given. After a pause (a debugger, a laptop's sleep) the game goes on where it was
instead of jumping; a quarter second is the longest hitch that players read as a hitch."""

MAX_CATCH_UP: Final = 0.1
"""A game loop that is late by no more than this makes the missed ticks up, so that the tick rate holds on a noisy
machine; what is beyond that is skipped, never made up in a burst."""
