"""A candidate of a preview: nine fields, no more (contract 2.5 [S])."""

from dataclasses import dataclass
from hashlib import md5
from typing import TypedDict


class CandidateFields(TypedDict):
    """A candidate as it stands in results and webhooks; key order is the documented one."""

    profileId: str
    fullName: str
    profileUrl: str
    title: str | None
    headline: str | None
    location: str | None
    country: str | None
    companyName: str | None
    companyUrl: str | None


FIELD_NAMES = tuple(CandidateFields.__annotations__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person found by the provider. The six optional fields may be None (contract 2.7 [A])."""

    full_name: str
    profile_url: str
    title: str | None
    headline: str | None
    location: str | None
    country: str | None
    company_name: str | None
    company_url: str | None

    def fields(self) -> CandidateFields:
        return {
            "profileId": profile_id(self.profile_url),
            "fullName": self.full_name,
            "profileUrl": self.profile_url,
            "title": self.title,
            "headline": self.headline,
            "location": self.location,
            "country": self.country,
            "companyName": self.company_name,
            "companyUrl": self.company_url,
        }


def profile_id(profile_url: str) -> str:
    """MD5, in lower-case hex, of the exact profile URL (contract 2.6 [S])."""
    return md5(profile_url.encode(), usedforsecurity=False).hexdigest()
