"""The sender alone, and what a receiver sees of it: one connection an attempt, no cookies."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from preview_sim.delivery import Sender

ACME_HOOK = "123e4567-e89b-12d3-a456-426614174000"
BETA_HOOK = "223e4567-e89b-12d3-a456-426614174000"

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def ok(*headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Length: 0", *headers, "", ""]
    return "\r\n".join(lines).encode()


class Receiver:
    """Takes deliveries, as many over one connection as come. `answers` are given one by one, then
    200 for ever; None drops the connection."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.taken: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.url = ""
        self.open: set[asyncio.Task[None] | None] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.lower().split("\r\n")[1:-2]
                headers = dict(line.split(": ", 1) for line in lines)
                self.bodies.append(await reader.readexactly(int(headers["content-length"])))
                self.taken.append(headers)
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self.open.discard(asyncio.current_task())


@contextlib.asynccontextmanager
async def receiving(*receivers: Receiver) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for receiver in receivers:
            server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        yield
        for receiver in receivers:
            await asyncio.gather(*receiver.open)


def with_sender(scene: Callable[[Sender], Any]) -> None:
    async def whole() -> None:
        sender = Sender(lambda: 0.0, "these tests")
        try:
            async with asyncio.timeout(10):
                await scene(sender)
        finally:
            await sender.close()

    asyncio.run(whole())


@pytest.mark.parametrize(
    "cookie",
    [
        "session=of-a",
        "session=of-a; Path=/",
        "session=of-a; Path=/; Domain=127.0.0.1",
        "session=of-a; Max-Age=1000000",
        "session=of-a; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
    ],
)
def test_a_receiver_s_cookie_is_sent_to_nobody_not_even_to_itself(cookie):
    async def scene(sender):
        one, other = Receiver(*[ok(f"Set-Cookie: {cookie}")] * 2), Receiver()
        async with receiving(one, other):
            for receiver in (one, other, one, other, one):
                attempt = await sender.send(receiver.url, [], b"{}", 5_000)
                assert attempt.status == 200
        assert [len(one.taken), len(other.taken)] == [3, 2]
        assert not any("cookie" in headers for headers in one.taken + other.taken)
        assert list(sender._connections().cookies.jar) == []

    with_sender(scene)


def test_each_attempt_has_a_connection_of_its_own():
    """The receiver would keep it open."""

    async def scene(sender):
        receiver = Receiver()
        async with receiving(receiver):
            for n in range(3):
                await sender.send(receiver.url, [], b"%d" % n, 5_000)
                assert receiver.connections == n + 1
            await asyncio.gather(*(sender.send(receiver.url, [], b"x", 5_000) for _ in range(5)))
            assert receiver.connections == 8
        assert receiver.bodies[:3] == [b"0", b"1", b"2"]

    with_sender(scene)


@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_receiver_that_drops_the_connection_has_seen_the_delivery_once(before):
    async def scene(sender):
        receiver = Receiver(*[OK] * before, None)
        async with receiving(receiver):
            attempts = [
                await sender.send(receiver.url, [], b"%d" % n, 5_000) for n in range(before + 1)
            ]
        assert [attempt.status for attempt in attempts] == [200] * before + [None]
        assert attempts[-1].error is not None
        assert receiver.bodies == [b"%d" % n for n in range(before + 1)]

    with_sender(scene)


def world(folder: Path, *hooks: tuple[str, str]) -> Path:
    """A company for each webhook: id and URL."""
    companies = [
        {
            "name": f"Company {n}",
            "unit": "credits",
            "balance": 100,
            "keys": [{"key": f"sk_{n}"}],
            "webhooks": [{"id": id_, "url": url, "events": ["SOURCING_COMPLETED"]}],
        }
        for n, (id_, url) in enumerate(hooks)
    ]
    file = folder / "world.yaml"
    file.write_text(json.dumps({"companies": companies}))
    return file


def start(sim, company: int, hook: str) -> str:
    answer = httpx.post(
        f"{sim.base_url}/sourcing/preview",
        json={"title": "a", "jobDescription": "b", "location": "c", "webhookId": hook},
        headers={"Authorization": f"Bearer sk_{company}"},
        trust_env=False,
        verify=False,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["requestId"]


@pytest.mark.parametrize("clock", ["manual", "instant"])
@pytest.mark.parametrize("drops", [1, 3, 4])
def test_a_receiver_has_seen_as_many_deliveries_as_the_story_has_attempts(
    simulate, tmp_path, clock, drops
):
    async def scene():
        receiver = Receiver(OK, *[None] * drops)
        async with receiving(receiver):
            await asyncio.to_thread(story, receiver)

    def story(receiver):
        file = world(tmp_path, (ACME_HOOK, receiver.url))
        sim = simulate(clock=clock, world=file)
        runs = []
        for _ in range(2):
            runs.append(start(sim, 0, ACME_HOOK))
            sim.clock.until_idle()
        attempts = [
            step for run in runs for step in sim.story(run)["steps"] if step["kind"] == "attempt"
        ]
        assert len(attempts) == 1 + min(drops + 1, 4)
        assert len(receiver.taken) == len(attempts) == receiver.connections

    asyncio.run(scene())


def test_what_one_company_s_receiver_sets_never_reaches_another_s(simulate, tmp_path):
    async def scene():
        one, other = Receiver(ok("Set-Cookie: session=of-a; Path=/")), Receiver()
        async with receiving(one, other):
            await asyncio.to_thread(deliver, one, other)
        assert [len(one.taken), len(other.taken)] == [2, 1]
        assert not any("cookie" in headers for headers in one.taken + other.taken)

    def deliver(one, other):
        file = world(tmp_path, (ACME_HOOK, one.url), (BETA_HOOK, other.url))
        sim = simulate(clock="instant", world=file)
        for company, hook in ((0, ACME_HOOK), (1, BETA_HOOK), (0, ACME_HOOK)):
            start(sim, company, hook)
            sim.clock.until_idle()

    asyncio.run(scene())
