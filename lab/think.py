"""A service that takes its time: answers each request on loopback after a drawn wait.

Runs as a program: `think.py MEAN_SECONDS SEED`. nginx asks it before it starts a response.
"""

from __future__ import annotations

import asyncio
import random
import sys

PORT = 8099


async def serve(mean_s: float, seed: int) -> None:
    rng = random.Random(seed)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(mean_s * rng.uniform(0.6, 1.4))
            writer.write(b"HTTP/1.0 204 No Content\r\n\r\n")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return  # nginx gave up waiting: there is nobody to answer
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", PORT)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), int(sys.argv[2])))
