"""What tutorials build: websockets on asyncio, JSON, the whole state to everybody 20 times a second. Over TCP."""

import argparse
import asyncio
import json
import time

from common import answer_stats, say
from websockets.asyncio.server import broadcast, serve

INTERVAL = 0.05


async def run(given):
    players, connections, received = {}, set(), [0]
    answer_stats(lambda: {"received": received[0]}, given.max_seconds)

    async def handle(connection):
        connections.add(connection)
        try:
            async for text in connection:
                message = json.loads(text)
                if message["type"] == "MOVE":
                    players[message["name"]] = {"x": message["x"], "y": message["y"]}
                elif message["type"] == "PING":
                    await connection.send(text)
                else:
                    received[0] += 1
        finally:
            connections.discard(connection)

    async with serve(handle, "127.0.0.1", 0) as server:
        say(f"PORT {server.sockets[0].getsockname()[1]}")
        due = time.monotonic()
        while True:
            due += INTERVAL
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if players:
                broadcast(connections, json.dumps({"players": players}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("room", "echo"))
    parser.add_argument("--max-seconds", type=float, default=180.0)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
