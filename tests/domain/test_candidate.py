"""A candidate: nine fields in the documented order, and the id that is made of the URL."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.candidate import FIELD_NAMES, Candidate, profile_id

DOCUMENTED = (
    "profileId",
    "fullName",
    "profileUrl",
    "title",
    "headline",
    "location",
    "country",
    "companyName",
    "companyUrl",
)


def test_a_candidate_has_the_nine_documented_fields_in_order():
    sparse = Candidate("Ann", "https://www.linkedin.com/in/ann", *[None] * 6)
    assert tuple(sparse.fields()) == DOCUMENTED == FIELD_NAMES
    assert sparse.fields()["profileId"] == "0719c9e41af517bca6a6c52c936d94d9"


def test_the_documented_candidate_has_the_documented_id():
    assert profile_id("https://www.linkedin.com/in/janesmith") == "0ae56a67214b592e7299083ed3ffcfc5"


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_an_id_is_the_md5_of_the_exact_url(url):
    assert profile_id(url) == hashlib.md5(url.encode()).hexdigest()
