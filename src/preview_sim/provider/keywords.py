"""What a search text asks for, as a person would put it in a headline: Node.js, FinTech, Oncology.

A query is mostly keywords; of a job description only well-known skills and words that look like
names ("GraphQL", "B2B") are taken, for its other words are prose.
"""

import re
from functools import cache

from preview_sim.provider.places import is_place

_KNOWN = """
.NET|A/B Testing|Accounting|Ad Tech|Agile|AI|Airflow|Android|Angular|Ansible|API Design|AWS|Azure
B2B|B2C|Banking|Bash|Biotech|Blockchain|Business Development|C|C#|C++|Cardiology|CI/CD|Clean Tech
Cloud|Compliance|Computer Vision|Copywriting|CRM|CSS|Customer Success|Cybersecurity|Data Science
Databricks|dbt|Deep Learning|DevOps|Django|Docker|E-commerce|EdTech|Elasticsearch|Elixir|Embedded
ERP|Erlang|Excel|Express|FastAPI|Figma|Finance|FinTech|Firebase|Flask|Flutter|Forecasting|GCP|Git
Go|Golang|Google Cloud|Grafana|GraphQL|gRPC|Hadoop|Haskell|HealthTech|Healthcare|HR|HTML|HubSpot
InsurTech|Insurance|iOS|IoT|Java|JavaScript|Jenkins|Jira|JUnit|Kafka|Kotlin|Kubernetes|Laravel|Lean
Linux|LLM|Logistics|Machine Learning|Marketplace|Marketing|Microservices|MLOps|MongoDB|MySQL
Negotiation|Nest.js|Next.js|NLP|Node.js|Nursing|Objective-C|Oncology|OpenAPI|Oracle|Pandas|Payments
Pediatrics|PHP|PostgreSQL|Power BI|Procurement|Product Design|Product Management|Project Management
Prometheus|PropTech|Python|PyTorch|R&D|RabbitMQ|React|React Native|Redis|Redux|REST|Robotics|Ruby
Ruby on Rails|Rust|SaaS|Salesforce|SAP|Scala|Scrum|Security|SEO|Snowflake|Spark|Spring|Spring Boot
SQL|Supply Chain|Svelte|Swift|Tableau|TensorFlow|Terraform|TypeScript|UI|Unity|UX|UX Research|Vue
Vue.js|WebAssembly|Webpack|Web3
"""
_ALSO = {
    "nodejs": "Node.js",
    "node": "Node.js",
    "vuejs": "Vue.js",
    "nextjs": "Next.js",
    "reactjs": "React",
    "postgres": "PostgreSQL",
    "k8s": "Kubernetes",
    "js": "JavaScript",
    "ml": "Machine Learning",
    "ecommerce": "E-commerce",
    "dotnet": ".NET",
    "csharp": "C#",
    "cpp": "C++",
}
#: Known skills that are also English words: only their own spelling counts.
_AMBIGUOUS = """
agile c cloud embedded excel express finance flask go insurance lean oracle rest security spark
spring swift unity
"""
_WORD = re.compile(r"ci/cd|a/b|r&d|\.?\w+(?:[.&'\u2019-]\w+|[+#]+)*", re.IGNORECASE)

#: Prose, and the words of an advertisement that are nobody's skill.
_PROSE = """
a about ability able across all also am an and any are as at be because been being best both build
building but by can candidate candidates client clients come company could currently daily day deep
do does each eeo employer engineer engineers engineering environment etc eu every excellent
experience experienced experts eur expert fast find first for from full fully gbp get good great
growing had has have he help her here hire hiring him his hours how hybrid i ideal ideally if in
including into is it its job join just knowledge large lead leader leading level like looking love
make many may me mid mission month months more most must my need needs new next no not now of offer
offers office on one only onsite or other our out over own part passion passionate people per person
please plus position preferred principal professional proficient proven required requirements
remote role salary seek seeking senior she should skilled skills small so some someone specialist
staff startup strong such team teams than that the their them then there these they this time to
today tools top two uk understanding united up urgent us usa usd use using very via want was we well
were what when where which who why will with within without work worked working world would year
years yet you your junior developer developers manager managers intern jr sr
"""

_ONLY_AS_SPELLED = frozenset(_AMBIGUOUS.split())
_STOPWORDS = frozenset(_PROSE.split())

#: A text of so few words is a query, and each of its words may be a skill.
_QUERY_WORDS = 12
_MOST = 5


def keywords(text: str, title: str = "") -> tuple[str, ...]:
    """At most five skills that the text names, without places and the words of `title`."""
    readable = " ".join(word for word in text.split() if "@" not in word and "://" not in word)
    words = [word.rstrip("'\u2019-.&") for word in _WORD.findall(readable)]
    taken = {word.casefold() for word in _WORD.findall(title)}
    is_query = len(words) <= _QUERY_WORDS
    loud = text.isupper()
    found: dict[str, None] = {}
    rest: dict[str, None] = {}
    position = 0
    while position < len(words) and len(found) < _MOST:
        word = words[position]
        name, length = _skill(words, position)
        position += length
        if name:
            if taken.isdisjoint(name.casefold().split()):
                found[name] = None
        elif word.casefold() in _STOPWORDS or word.casefold() in taken:
            pass
        elif not loud and _looks_like_a_name(word):
            if is_place(word):
                taken.add(word.casefold())
            else:
                found[word] = None
        elif is_query and len(word) > 2 and word.isalpha() and not is_place(word):
            rest[word if word != word.lower() else word[:1].upper() + word[1:]] = None
    return (*found, *rest)[:_MOST]


def _skill(words: list[str], position: int) -> tuple[str | None, int]:
    """The known skill that begins here, if one does, and how many words it takes; else one."""
    known, openings = _known()
    first = words[position].casefold()
    if first in openings:
        for length in (3, 2):
            name = known.get(" ".join(words[position : position + length]).casefold())
            if name:
                return name, length
    name = known.get(first)
    return (None if first in _ONLY_AS_SPELLED and words[position] != name else name), 1


@cache
def _known() -> tuple[dict[str, str], frozenset[str]]:
    """Known skills by their folded spelling, and the first words of those that have several."""
    names = _KNOWN.strip().replace("\n", "|").split("|")
    known = {name.casefold(): name for name in names} | _ALSO
    return known, frozenset(name.split()[0] for name in known if " " in name)


def _looks_like_a_name(word: str) -> bool:
    """Capitals or digits where prose has none: "GraphQL", "SaaS", "ICU", "B2B"."""
    short = word.isascii() and word.isalnum() and 2 <= len(word) <= 20 and word[0].isalpha()
    return short and (word[1:] != word[1:].lower() or any(map(str.isdigit, word)))
