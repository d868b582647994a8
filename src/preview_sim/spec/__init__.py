"""The OpenAPI bundle at run time: operations, compiled validators, schemas by name.

Requests are validated from the very document that is published, so spec and behaviour cannot drift.
The validators here are `jsonschema-rs`; whoever judges the server uses `jsonschema` instead.
"""

from preview_sim.spec.contract import (
    Contract,
    Operation,
    document_bytes,
    event_errors,
    load_contract,
    standalone_schema,
)

__all__ = [
    "Contract",
    "Operation",
    "document_bytes",
    "event_errors",
    "load_contract",
    "standalone_schema",
]
