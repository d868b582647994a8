"""A person's country agrees with the searched location."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.provider.places import country_of, country_of_code, is_place


@pytest.mark.parametrize(
    ("location", "country"),
    [
        ("San Francisco, CA", "United States"),
        ("San Francisco CA", "United States"),
        ("san francisco, ca", "United States"),
        ("San Francisco Bay Area", "United States"),
        ("Greater Boston Area", "United States"),
        ("New York, NY 10001", "United States"),
        ("Washington, D.C.", "United States"),
        ("Texas", "United States"),
        ("U.S.A.", "United States"),
        ("Remote - US", "United States"),
        ("Berlin, Germany", "Germany"),
        ("Berlin, DE", "Germany"),
        ("10115 Berlin", "Germany"),
        ("München", "Germany"),
        ("MUNCHEN", "Germany"),
        ("Remote in Germany", "Germany"),
        ("Germany (Remote)", "Germany"),
        ("London", "United Kingdom"),
        ("Greater London, England, United Kingdom", "United Kingdom"),
        ("Bratislava", "Slovakia"),
        ("Bratislava, SK", "Slovakia"),
        ("Košice, Slovensko", "Slovakia"),
        ("Toronto, ON", "Canada"),
        ("London, ON", "Canada"),
        ("Toronto, CA", "Canada"),
        ("Ontario", "Canada"),
        ("Saskatoon, SK", "Canada"),
        ("Vancouver, British Columbia", "Canada"),
        ("Perth, WA", "Australia"),
        ("Sydney NSW", "Australia"),
        ("Seattle, WA", "United States"),
        ("Bogotá, CO", "Colombia"),
        ("Denver, CO", "United States"),
        ("São Paulo", "Brazil"),
        ("東京", "Japan"),
        ("Mexico City", "Mexico"),
        ("Albuquerque, New Mexico", "United States"),
        ("New England", "United States"),
        ("Bosnia and Herzegovina", "Bosnia and Herzegovina"),
    ],
)
def test_a_location_lies_in_its_country(location, country):
    assert country_of(location) == country


@pytest.mark.parametrize(
    ("location", "country"),
    [
        ("Georgia", "Georgia"),
        ("Tbilisi, Georgia", "Georgia"),
        ("Atlanta, Georgia", "United States"),
        ("Savannah, Georgia", "United States"),
    ],
)
def test_the_city_says_which_georgia_is_meant(location, country):
    assert country_of(location) == country


@pytest.mark.parametrize("location", ["Remote", "Mars", "EMEA", "", " ", ",", "in", "12345", "🌍"])
def test_what_is_no_place_has_no_country(location):
    assert country_of(location) is None


@given(st.text(max_size=200))
def test_any_text_is_a_location(location):
    assert country_of(location) is None or country_of(location)


def test_a_code_names_its_country_and_a_word_may_be_a_place():
    assert country_of_code("SK") == "Slovakia"
    assert country_of_code("QC") is None
    assert is_place("london")
    assert not is_place("Kubernetes")
