"""What whoever starts a simulator is told when it cannot start (exit code 2)."""

import asyncio
import socket
import threading

import pytest

from preview_sim import Simulator
from preview_sim.domain.errors import StoreError, UsageError
from preview_sim.simulator import Config, running


def start(**options) -> None:
    async def whole():
        async with running(Config(**options)):
            pass

    asyncio.run(whole())


def test_a_port_that_is_in_use_is_told_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} on 127.0.0.1 is in use") as came:
            start(port=port)
        assert "--port 0" in came.value.message


def test_a_port_of_another_simulator_is_in_use(connect):
    port = int(connect(clock="manual").base_url.rpartition(":")[2])
    with pytest.raises(UsageError, match="is in use"):
        start(port=port)


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_a_port_that_is_none_is_told_the_range(port):
    with pytest.raises(UsageError, match=f"Expected a port of 0 to 65535, got {port}"):
        start(port=port)


def test_an_address_that_is_not_ours_is_told():
    with pytest.raises(UsageError, match=r"Cannot listen on 192\.0\.2\.1:0"):
        start(host="192.0.2.1", admin_token="token")


def test_a_host_that_does_not_exist_is_told():
    with pytest.raises(UsageError, match="Cannot listen on"):
        start(host="no-such-host.invalid", admin_token="token")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_every_name_of_loopback_serves_where_it_says(host):
    async def whole():
        async with running(Config(host=host, clock="manual")) as simulator:
            shown = f"[{host}]" if ":" in host else host
            assert simulator.base_url.startswith(f"http://{shown}:")
            name, _, port = simulator.base_url.removeprefix("http://").rpartition(":")
            reader, writer = await asyncio.open_connection(name.strip("[]"), int(port))
            writer.write(f"GET /_sim/health HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
            assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
            writer.close()
            await writer.wait_closed()

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("clock", "hint"),
    [
        ("instnt", " Did you mean 'instant'?"),
        ("Manual", " Did you mean 'manual'?"),
        ("x0", " Did you mean 'x10'?"),
        ("x-5", ""),
        ("x1.5", " Did you mean 'x10'?"),
        ("x", " Did you mean 'x10'?"),
        ("60", ""),
        ("", ""),
        ("x१", ""),
        ("x1१", " Did you mean 'x10'?"),
        ("x1\n", " Did you mean 'x10'?"),
    ],
)
def test_a_clock_that_is_none_is_told_the_four(clock, hint):
    with pytest.raises(UsageError, match="Expected a clock of real, instant, manual or xN") as came:
        Config(clock=clock)
    assert came.value.message.endswith(f"got {clock!r}.{hint}")


@pytest.mark.parametrize("clock", ["real", "instant", "manual", "x1", "x60", "x999999"])
def test_every_clock_there_is_can_be_chosen(clock):
    assert Config(clock=clock).clock == clock


@pytest.mark.parametrize(
    ("readings", "said"),
    [
        ({"signatur": "standard"}, "Did you mean 'signature'"),
        ({"signature": "hexbody"}, "Did you mean 'hex-body'"),
    ],
)
def test_a_reading_that_is_none_is_told_the_nearest(readings, said):
    with pytest.raises(UsageError, match=said):
        Config(readings=readings)


def test_a_scenario_that_is_none_is_told_the_nearest():
    with pytest.raises(
        UsageError, match=r"There is no scenario 'hapy'\. The nearest name is 'happy'"
    ):
        start(scenario="hapy")


def test_a_world_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"missing\.yaml"):
        start(world=tmp_path / "missing.yaml")


def test_a_start_that_fails_gives_back_the_port_and_the_file(tmp_path):
    file = tmp_path / "store.db"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError):
            start(port=port, db=file)
    with pytest.raises(UsageError):
        start(db=file, seed=2)
    start(port=port, db=file)


def test_a_simulator_in_a_thread_raises_where_it_was_asked_for(tmp_path):
    file = tmp_path / "no.db"
    file.write_text("not a database, but a text of some length\n" * 50)
    with pytest.raises(StoreError, match="got a file that is none"), Simulator(db=file):
        pass


def test_a_simulator_that_was_not_started_says_how_and_does_not_wait_for_ever():
    came: list[BaseException] = []

    def use() -> None:
        try:
            Simulator().describe()
        except BaseException as error:
            came.append(error)

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(2)
    assert not thread.is_alive(), "it waits for ever"
    assert "with Simulator() as sim" in str(came[0])


def test_starting_and_stopping_again_and_again_on_one_file_changes_nothing(tmp_path):
    file = tmp_path / "store.db"
    ledgers = []
    for _ in range(3):
        with Simulator(db=file, clock="instant") as simulator:
            ledgers.append((simulator.ledger(), simulator.api_key))
    assert ledgers[0] == ledgers[1] == ledgers[2]
