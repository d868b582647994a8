"""The documented example, as the contract gives it."""

from collections.abc import Mapping
from typing import Any

#: The documented example request (contract, "The documented examples").
EXAMPLE_REQUEST: Mapping[str, Any] = {
    "title": "Senior Backend Engineers – FinTech",  # noqa: RUF001 - the dash is the document's own
    "jobDescription": (
        "We are looking for a Senior Backend Engineer with 5+ years of Node.js experience…"
    ),
    "location": "San Francisco, CA",
    "query": "Senior Node.js engineer fintech",
    "limit": 20,
    "webhookId": "123e4567-e89b-12d3-a456-426614174000",
}
