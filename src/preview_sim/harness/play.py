"""Plays one scenario against a running simulator, as an integrator would, and notes what it saw.

It knows the simulator only by HTTP: the API, the control side and the sink.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

_WATCH_EVERY_S = 0.05
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Played:
    """All that came of one POST. Without a run (`story` None) only `status` and `answer` say."""

    status: int
    answer: Mapping[str, Any]
    results: Mapping[str, Any] = field(default_factory=dict)
    polls: tuple[str, ...] = ()
    story: Mapping[str, Any] | None = None
    records: tuple[Mapping[str, Any], ...] = ()

    def steps(self, *kinds: str) -> list[Mapping[str, Any]]:
        """The steps of the story of these kinds, in order."""
        told = self.story["steps"] if self.story else []
        return [step for step in told if step["kind"] in kinds]


Watcher = Callable[[Mapping[str, Any]], None]


class Player:
    """A client of one running simulator; `watch` sees the story of a run as it grows."""

    def __init__(self, base_url: str, api_key: str, watch: Watcher = lambda _: None) -> None:
        self._http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=30.0,
            trust_env=False,
        )
        self._watch = watch
        self._clock = self.sandbox()["clock"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sandbox(self) -> Mapping[str, Any]:
        return self._get("/_sim/sandboxes/default")

    def ledger(self) -> Mapping[str, Any]:
        return self._get("/_sim/sandboxes/default/ledger")

    def play(self, request: Mapping[str, Any], scenario: str | None = None) -> Played:
        """POST the request, follow its run to the end and its deliveries to theirs."""
        headers = {} if scenario is None else {"X-Sim-Scenario": scenario}
        response = self._http.post("/sourcing/preview", json=dict(request), headers=headers)
        answer = response.json()
        if response.status_code != httpx.codes.ACCEPTED:
            return Played(response.status_code, answer)
        request_id = answer["requestId"]
        polls = [self._poll(request_id)["status"]]
        story = self._until_over(request_id)
        results = self._poll(request_id)
        records = self._get("/_sink/records", requestId=request_id)["records"]
        return Played(
            response.status_code,
            answer,
            results,
            (*polls, results["status"]),
            story,
            tuple(records),
        )

    def _until_over(self, request_id: str) -> Mapping[str, Any]:
        """Watch a run until it and its deliveries are at rest."""
        if self._clock in ("manual", "instant"):
            self._http.post("/_sim/sandboxes/default/clock", json={"until": "idle"})
        deadline = time.monotonic() + _PATIENCE_S  # noqa: TID251 - a client's own patience
        while True:
            story = self._get(f"/_sim/sandboxes/default/runs/{request_id}")
            self._watch(story)
            waiting = [step for step in story["steps"] if step.get("state") == "pending"]
            if story["status"] != "processing" and not waiting:
                return story
            if time.monotonic() > deadline:  # noqa: TID251 - as above
                raise TimeoutError(f"{request_id} is not over after {_PATIENCE_S:.0f} s: {story}")
            time.sleep(_WATCH_EVERY_S)  # noqa: TID251 - a client waits between two looks

    def _poll(self, request_id: str) -> Mapping[str, Any]:
        return self._get(f"/sourcing/preview/{request_id}/results")

    def _get(self, path: str, **query: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._http.get(path, params=query).raise_for_status().json()
        return found
