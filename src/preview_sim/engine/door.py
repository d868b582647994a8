"""Who is calling, and which scenario the call meets (contract 1.2, 1.3; design of scenarios)."""

import hmac
from hashlib import sha256

from preview_sim.domain.errors import InvalidApiKey
from preview_sim.domain.tenancy import KeyState
from preview_sim.engine.sandbox import Choice, Sandbox
from preview_sim.store.worlds import KeyRow

Caller = KeyRow


def key_parts(token: str) -> tuple[str, str | None]:
    """A key and the scenario its suffix names: `sk_sim_acme.slow` is `sk_sim_acme`, `slow`."""
    key, dot, scenario = token.partition(".")
    return key, scenario if dot else None


def find_key(sandbox: Sandbox, key: str) -> Caller | None:
    """The key's owner. Looked up by digest, compared in constant time."""
    found = sandbox.keys.get(sha256(key.encode()).digest())
    if found is None or not hmac.compare_digest(found.secret.encode(), key.encode()):
        return None
    return found


def identify(caller: Caller | None, choice: Choice | None) -> Caller:
    """The caller if the key opens the door, else InvalidApiKey (contract 1.2).

    A scenario may change the state of the key that names it.
    """
    if caller is None:
        raise InvalidApiKey(
            "This API key is unknown. `GET /_sim/sandboxes/default` lists the keys."
        )
    told = choice.scenario.account.key_state if choice else None
    state = told or caller.state
    if state is not KeyState.ACTIVE:
        raise InvalidApiKey(f"This API key is {state.value}. Use an active key.")
    return caller


def choose(
    sandbox: Sandbox, header: str | None, suffix: str | None, caller: Caller | None
) -> Choice:
    """The scenario of a request, strongest claim first; UnknownScenario names the nearest."""
    if header is not None:
        return sandbox.choice(header, "header")
    if suffix is not None:
        return sandbox.choice(suffix, "key")
    if caller is not None and caller.scenario is not None:
        return sandbox.choice(caller.scenario, "sandbox")
    return sandbox.choice(sandbox.scenario, "default")
