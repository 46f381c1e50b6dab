"""Python's usual way: aiohttp, so many workers on one queue. Prints seconds of wall and CPU as JSON."""
import asyncio
import json
import resource
import sys
import time

import aiohttp

URL, INPUT, OUTPUT, IN_FLIGHT = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


async def main():
    with open(INPUT) as file:
        rows = iter([json.loads(line) for line in file])
    connector = aiohttp.TCPConnector(limit=0)
    with open(OUTPUT, "w") as out:
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:

            async def worker():
                for row in rows:
                    body = {**row["body"], "model": "bench"}
                    async with session.post(f"{URL}/v1/chat/completions", json=body) as answer:
                        out.write(json.dumps({"custom_id": row["custom_id"], "response": await answer.json()}) + "\n")

            await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


began = time.monotonic()
before = resource.getrusage(resource.RUSAGE_SELF)
asyncio.run(main())
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
print(json.dumps({"wallSeconds": time.monotonic() - began, "cpuSeconds": cpu}))
