"""Outbound HTTP: one attempt in, one outcome out. It never raises and never follows a redirect."""

from preview_sim.delivery.sender import Sender

__all__ = ["Sender"]
