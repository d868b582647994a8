"""A person's title comes of the searched title, a headline's skills of the search text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.provider.keywords import keywords
from preview_sim.provider.roles import role, variants


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Senior Backend Engineers – FinTech", "Senior Backend Engineer"),
        ("senior backend engineer", "Senior Backend Engineer"),
        ("SENIOR BACKEND ENGINEERS", "Senior Backend Engineer"),
        ("Sr. Data Scientists - AI", "Senior Data Scientist"),
        ("C++ Developers (m/f/d)", "C++ Developer"),
        (".NET Developers", ".NET Developer"),
        ("[Remote] QA/Test Engineers", "QA/Test Engineer"),
        ("Full-Stack Developers at Acme", "Full-Stack Developer"),
        ("Directors of Engineering", "Director of Engineering"),
        ("Head of Sales, EMEA", "Head of Sales"),
        ("Human Resources Managers", "Human Resources Manager"),
        ("Secretaries", "Secretary"),
        ("Registered Nurses", "Registered Nurse"),
        ("VP Payments", "VP Payments"),
        ("データエンジニア", "データエンジニア"),
        ("   ", "Specialist"),
        ("🚀", "Specialist"),
    ],
)
def test_a_role_is_one_persons_title(title, expected):
    assert role(title) == expected


def test_a_senior_role_has_senior_variants_and_kin():
    titles = variants("Senior Backend Engineer")
    assert {"Staff Backend Engineer", "Lead Backend Engineer", "Senior Software Engineer"} <= {
        *titles
    }
    assert not any(title.startswith(("Junior", "Backend")) for title in titles)
    assert titles.count("Senior Backend Engineer") / len(titles) == pytest.approx(0.4, abs=0.1)


def test_a_junior_role_has_no_senior_variants():
    assert not any("Senior" in title or "Lead" in title for title in variants("Junior Accountant"))


@pytest.mark.parametrize(
    "title", ["Head of Sales", "VP Payments", "CTO", "Principal", "Lead Generation Specialist"]
)
def test_a_role_of_one_seniority_stays_as_it_is(title):
    assert variants(title) == (title,)


@given(st.text(min_size=1, max_size=200))
def test_any_title_gives_a_role_and_variants_without_loose_space(title):
    for variant in (role(title), *variants(role(title))):
        assert variant
        assert variant == " ".join(variant.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Senior Node.js engineer fintech", ("Node.js", "FinTech")),
        (
            "We are looking for a Senior Backend Engineer with 5+ years of Node.js experience…",
            ("Node.js",),
        ),
        ("registered nurse ICU london", ("ICU", "Registered", "Nurse")),
        ("C++ C# .NET and CI/CD, Go; go fast", ("C++", "C#", ".NET", "CI/CD", "Go")),
        (
            "machine learning, ruby on rails, k8s",
            ("Machine Learning", "Ruby on Rails", "Kubernetes"),
        ),
        ("kirigami growth", ("Kirigami", "Growth")),
        ("We need you: jobs@acme.io, https://acme.io/B2B", ()),
        ("You will excel in our spring cleaning and express the rest of it in Slovakia", ()),
        ("", ()),
    ],
)
def test_keywords_are_the_skills_of_a_text(text, expected):
    assert keywords(text) == expected


def test_prose_gives_only_what_looks_like_a_skill():
    text = "We would like you to love customers and spreadsheets. " * 20 + "GraphQL and B2B help."
    assert keywords(text) == ("GraphQL", "B2B")


def test_a_keyword_does_not_repeat_the_title():
    assert keywords("python developer kafka", "Python Developer") == ("Kafka",)


@given(st.text(max_size=2_000))
def test_any_text_has_at_most_five_keywords(text):
    found = keywords(text)
    assert len(found) == len(set(found)) <= 5
    assert all(found)
