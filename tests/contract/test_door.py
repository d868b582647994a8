"""The door: the order of checks, methods, headers, media types, strict JSON, the scenario's choice.

Most of it is what HTTP and RFC 8259 say, and what no schema can.
"""

import contextlib
import http.client
import json
from urllib.parse import urlsplit

import pytest

START = "/sourcing/preview"
UNKNOWN = "req_00000000-0000-4000-8000-000000000000"
RESULTS = f"{START}/{UNKNOWN}/results"
ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"
BETA_WEBHOOK = "223e4567-e89b-12d3-a456-426614174000"
PING_WEBHOOK = "323e4567-e89b-12d3-a456-426614174000"
NO_WEBHOOK = "00000000-0000-4000-8000-000000000000"

FINE = {"title": "a", "jobDescription": "b", "location": "c"}
RAW = b'{"title":"a","jobDescription":"b","location":"c"}'
BODY_LIMIT = 256 * 1024
JSON = {"Content-Type": "application/json"}


def code(answer) -> str:
    return answer.json()["error"]["code"]


def bare_status(api, *request) -> int:
    """The status of an answer to these headers and no others."""
    address = urlsplit(api.sim.base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    with contextlib.closing(connection):
        connection.request(*request)
        with connection.getresponse() as answer:
            return answer.status


# The order of checks

#: What can be wrong with a request, in the order in which the door looks: the answer to a request
#: that is wrong in this and in every later way, but right in all earlier ones.
POST_ORDER = [
    ("route", 404, "ROUTE_NOT_FOUND"),
    ("method", 405, "METHOD_NOT_ALLOWED"),
    ("key", 401, "INVALID_API_KEY"),
    ("scope", 403, "INSUFFICIENT_SCOPE"),
    ("scenario", 400, "UNKNOWN_SCENARIO"),
    ("accept", 406, "NOT_ACCEPTABLE"),
    ("media type", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("size", 413, "PAYLOAD_TOO_LARGE"),
    ("json", 400, "VALIDATION_ERROR"),
    ("schema", 400, "VALIDATION_ERROR"),
    ("unknown webhook", 404, "RESOURCE_NOT_FOUND"),
    ("balance", 402, "INSUFFICIENT_CREDITS"),
]
GET_ORDER = [
    ("route", 404, "ROUTE_NOT_FOUND"),
    ("method", 405, "METHOD_NOT_ALLOWED"),
    ("key", 401, "INVALID_API_KEY"),
    ("scope", 403, "INSUFFICIENT_SCOPE"),
    ("scenario", 400, "UNKNOWN_SCENARIO"),
    ("accept", 406, "NOT_ACCEPTABLE"),
    ("id", 404, "REQUEST_NOT_FOUND"),
]


@pytest.fixture
def poor(connect, world):
    """A company without money; keys with every flaw; a webhook that hears of pings only."""
    keys = [
        {"key": "sk_fine"},
        {"key": "sk_narrow", "scopes": ["read:billing"]},
        {"key": "sk_revoked", "scopes": [], "state": "revoked"},
    ]
    webhooks = [{"id": PING_WEBHOOK, "events": ["PING"]}]
    company = {"name": "Poor", "unit": "credits", "balance": 0, "keys": keys, "webhooks": webhooks}
    webhooks = [{"id": BETA_WEBHOOK, "events": ["PING"]}]
    other = {"name": "Other", "unit": "credits", "balance": 0, "webhooks": webhooks}
    return connect(world=world(company, other), clock="manual")


def key_for(wrong: set[str]) -> str:
    if "key" in wrong:
        return "sk_revoked"
    return "sk_narrow" if "scope" in wrong else "sk_fine"


def headers_for(wrong: set[str]) -> dict[str, str]:
    headers = {"Content-Type": "text/plain" if "media type" in wrong else "application/json"}
    if "scenario" in wrong:
        headers["X-Sim-Scenario"] = "no-such"
    if "accept" in wrong:
        headers["Accept"] = "text/html"
    return headers


def body_for(wrong: set[str]) -> bytes:
    body = dict(FINE)
    if "schema" in wrong:
        body["limit"] = 0
    if "unknown webhook" in wrong:
        body["webhookId"] = NO_WEBHOOK
    raw = json.dumps(body).encode()
    if "json" in wrong:
        raw = raw[:-1]
    return raw.ljust(BODY_LIMIT + 1) if "size" in wrong else raw


def wrong_in(order, first: int, last: int) -> set[str]:
    return {name for name, _, _ in order[first:last]}


@pytest.mark.parametrize("number", range(len(POST_ORDER)), ids=[name for name, *_ in POST_ORDER])
@pytest.mark.parametrize("also", ["only this", "the next too", "all later too"])
def test_a_start_that_breaks_several_rules_gets_the_first_answer(poor, number, also):
    last = {"only this": number + 1, "the next too": number + 2, "all later too": None}[also]
    wrong = wrong_in(POST_ORDER, number, last or len(POST_ORDER))
    answer = poor.send(
        "PUT" if "method" in wrong else "POST",
        "/sourcing/previews" if "route" in wrong else START,
        key_for(wrong),
        headers_for(wrong),
        content=body_for(wrong),
    )
    _, status, expected = POST_ORDER[number]
    assert (answer.status_code, code(answer)) == (status, expected)


@pytest.mark.parametrize("number", range(len(GET_ORDER)), ids=[name for name, *_ in GET_ORDER])
@pytest.mark.parametrize("also", ["only this", "the next too", "all later too"])
def test_a_poll_that_breaks_several_rules_gets_the_first_answer(poor, number, also):
    last = {"only this": number + 1, "the next too": number + 2, "all later too": None}[also]
    wrong = wrong_in(GET_ORDER, number, last or len(GET_ORDER))
    headers = headers_for(wrong)
    del headers["Content-Type"]
    answer = poor.send(
        "PUT" if "method" in wrong else "GET",
        f"{RESULTS}/x" if "route" in wrong else RESULTS,
        key_for(wrong),
        headers,
    )
    _, status, expected = GET_ORDER[number]
    assert (answer.status_code, code(answer)) == (status, expected)


@pytest.mark.parametrize(
    ("webhook", "status"), [(NO_WEBHOOK, 404), (BETA_WEBHOOK, 403), (PING_WEBHOOK, 422)]
)
def test_what_is_wrong_with_the_webhook_is_said_before_402_and_after_400(poor, webhook, status):
    assert poor.start(key="sk_fine", webhookId=webhook).status_code == status
    assert poor.start(key="sk_fine", webhookId=webhook, limit=0).status_code == 400


def test_a_poll_does_not_look_at_media_type_or_body(manual):
    request_id = manual.accepted()
    headers = {"Authorization": "Bearer sk_sim_acme", "Content-Type": "text/plain"}
    path = f"{START}/{request_id}/results"
    answer = manual.send("GET", path, headers=headers, content=b"{")
    assert answer.status_code == 202


# Methods

RESOURCES = [(START, {"POST", "OPTIONS"}), (RESULTS, {"GET", "HEAD", "OPTIONS"})]
VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "PURGE", "QUERY"]
VERBS += ["LINK", "M-SEARCH", "BREW", "X", "FOO-BAR", "POSTS"]


def allowed(answer) -> set[str]:
    methods = [method.strip() for method in answer.headers["Allow"].split(",")]
    assert len(set(methods)) == len(methods)
    return set(methods)


@pytest.mark.parametrize(("path", "allow"), RESOURCES)
@pytest.mark.parametrize("verb", VERBS)
def test_every_other_verb_is_405_and_told_all_that_are_allowed(manual, path, allow, verb):
    answer = manual.send(verb, path, key=None)
    if verb in allow:
        assert answer.status_code == 401
        return
    assert answer.status_code == 405
    assert allowed(answer) == allow
    if verb != "HEAD":
        assert code(answer) == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("verb", ["get", "Get", "post"])
def test_a_verb_in_small_letters_is_another_verb(manual, verb):
    headers = {"Authorization": "Bearer sk_sim_acme"}
    assert bare_status(manual, verb, RESULTS, None, headers) == 405


@pytest.mark.parametrize(("path", "allow"), RESOURCES)
@pytest.mark.parametrize("key", [None, "sk_sim_acme", "sk_sim_nobody"])
def test_options_is_204_with_allow_and_needs_no_key(manual, path, allow, key):
    answer = manual.send("OPTIONS", path, key, {"X-Sim-Scenario": "no-such", "Accept": "x/y"})
    assert answer.status_code == 204
    assert allowed(answer) == allow
    assert answer.content == b""


@pytest.mark.parametrize("path", [START, RESULTS])
def test_a_204_has_no_content_length(manual, path):
    answer = manual.send("OPTIONS", path)
    assert "Content-Length" not in answer.headers  # RFC 9110, 8.6
    assert "Content-Type" not in answer.headers


def test_options_where_nothing_is_is_404(manual):
    assert manual.send("OPTIONS", "/nothing").status_code == 404


@pytest.mark.parametrize(
    "case", ["processing", "completed", "failed", "unknown", "401", "403", "406", "scenario"]
)
def test_head_is_get_without_the_body(connect, world, case):
    keys = [{"key": "sk_sim_acme"}, {"key": "sk_narrow", "scopes": ["sourcing:write"]}]
    company = {"name": "One", "unit": "credits", "balance": 9, "keys": keys}
    api = connect(world=world(company), clock="manual")
    scenario = "provider-fails-on-page-1" if case == "failed" else "happy"
    request_id = api.accepted(headers={"X-Sim-Scenario": scenario})
    if case != "processing":
        api.sim.clock.until_idle()
    path = RESULTS if case == "unknown" else f"{START}/{request_id}/results"
    key = {"401": "sk_sim_nobody", "403": "sk_narrow"}.get(case, "sk_sim_acme")
    headers = {"406": {"Accept": "text/html"}, "scenario": {"X-Sim-Scenario": "no-such"}}.get(case)
    get, head = (api.send(method, path, key, headers) for method in ("GET", "HEAD"))
    assert head.status_code == get.status_code
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}
    assert head.headers["Content-Length"] == str(len(get.content))
    assert head.content == b""
    assert get.content


def test_head_where_nothing_is_is_404_without_a_body(manual):
    answer = manual.send("HEAD", "/nothing")
    assert answer.status_code == 404
    assert answer.content == b""


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sourcing",
        f"{START}/",
        f"{START}//",
        f"/{START}",
        "//x/sourcing/preview",
        "/SOURCING/PREVIEW",
        "/sourcing%2Fpreview",
        "/sourcing%2fpreview",
        f"{START}%2F",
        f"{START}/{UNKNOWN}",
        f"{START}/{UNKNOWN}/",
        f"{RESULTS}/",
        f"{START}//results",
        f"{START}/{UNKNOWN}%2Fresults",
        f"{START}/{UNKNOWN}/Results",
        "/_sim%2Fhealth",
        "/_sim%2Fsandboxes%2Fdefault",
        "/_sink%2Fin%2Fdefault%2Fx",
        "/_simx",
        "/_",
        "/v1/sourcing/preview",
        "/openapi.json/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_not_exactly_one_of_ours_is_404(manual, method, path):
    answer = manual.send(method, path, headers=JSON, content=RAW if method == "POST" else None)
    assert answer.status_code == 404
    assert code(answer) == "ROUTE_NOT_FOUND"
    assert manual.sim.clock.until_idle() == []


def test_an_encoded_slash_in_an_id_is_part_of_the_id(manual):
    request_id = manual.accepted()
    for written in (f"x%2F..%2F{request_id}", f"{request_id}%2F", f"x%2F{request_id}"):
        answer = manual.poll(written)
        assert (answer.status_code, code(answer)) == (404, "REQUEST_NOT_FOUND")


def test_a_query_string_changes_nothing(manual):
    answer = manual.send("POST", f"{START}?limit=0&title=", json=FINE)
    assert answer.status_code == 202


def test_a_webhook_id_is_case_insensitive(manual):
    for written in (ACME_WEBHOOK, ACME_WEBHOOK.upper(), ACME_WEBHOOK.replace("e", "E")):
        assert manual.start(webhookId=written).status_code == 202
    manual.sim.clock.until_idle()
    assert len(manual.sim.sink.records(endpoint=ACME_WEBHOOK)) == 3


# Authorization


@pytest.mark.parametrize(("method", "path"), [("POST", START), ("GET", RESULTS)])
@pytest.mark.parametrize(
    "tokens",
    [
        ["Bearer sk_sim_acme", "Bearer sk_sim_acme"],
        ["Bearer sk_sim_acme", "Bearer sk_sim_beta"],
        ["Basic abc", "Bearer sk_sim_acme"],
    ],
)
def test_exactly_one_authorization_header(manual, method, path, tokens):
    headers = [("Authorization", token) for token in tokens]
    answer = manual.send(method, path, None, headers, json=FINE)
    assert (answer.status_code, code(answer)) == (401, "INVALID_API_KEY")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="sourcing"'


def test_www_authenticate_is_on_401_alone(manual):
    assert "WWW-Authenticate" not in manual.start().headers
    assert "WWW-Authenticate" not in manual.start(key="sk_sim_acme_read").headers
    assert "WWW-Authenticate" not in manual.poll(UNKNOWN).headers


# Media types and sizes


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/*",
        "application/json",
        "APPLICATION/JSON",
        "application/json;q=0.1",
        "application/json; charset=utf-8",
        "text/html, application/json",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "text/html;q=1, */*;q=0.001",
        "*/*;q=0, application/json",
        "application/*;q=0, application/json;q=0.5",
        " application/json ;q=1",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", START), ("GET", RESULTS)])
def test_an_accept_that_admits_json_is_fine(manual, method, path, accept):
    answer = manual.send(method, path, headers={"Accept": accept.strip()}, json=FINE)
    assert answer.status_code in (202, 404)


def test_no_accept_admits_everything(manual):
    headers = {"Authorization": "Bearer sk_sim_acme", **JSON}
    assert bare_status(manual, "POST", START, RAW, headers) == 202


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/xml",
        "application/json;q=0",
        "application/json;q=0.000, text/html",
        "application/json;q=0, */*",
        "application/json;q=0, application/*;q=1",
        "*/*;q=0",
        "text/*",
        "application/jsonx",
        "application/problem+json",
        "json",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", START), ("GET", RESULTS)])
def test_an_accept_that_does_not_admit_json_is_406(manual, method, path, accept):
    answer = manual.send(method, path, headers={"Accept": accept}, json=FINE)
    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")


def test_several_accept_headers_are_one_list(manual):
    for accepts, status in (
        (["text/html", "application/json"], 202),
        (["text/html", "text/plain"], 406),
    ):
        headers = [("Accept", accept) for accept in accepts]
        assert manual.start(headers=headers).status_code == status


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json ; charset=Utf-8",
        "application/json; profile=x",
    ],
)
def test_a_body_in_json_is_taken(manual, media):
    answer = manual.send("POST", START, headers={"Content-Type": media}, content=RAW)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Content-Type", "text/plain")],
        [("Content-Type", "text/json")],
        [("Content-Type", "application/x-www-form-urlencoded")],
        [("Content-Type", "multipart/form-data; boundary=x")],
        [("Content-Type", "application/json-patch+json")],
        [("Content-Type", "application/merge-patch+json")],
        [("Content-Type", "application/jsonx")],
        [("Content-Type", "json")],
        [("Content-Type", "*/*")],
        [("Content-Type", "")],
        [("Content-Type", "application/json; charset=latin-1")],
        [("Content-Type", "application/json; charset=utf-16")],
        [("Content-Type", "application/json, text/plain")],
        [("Content-Type", "application/json"), ("Content-Type", "application/json")],
        [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
        [("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
        [("Content-Type", "application/json"), ("Content-Encoding", "br")],
        [("Content-Type", "application/json"), ("Content-Encoding", "deflate, gzip")],
    ],
)
def test_a_body_in_anything_else_is_415(manual, headers):
    answer = manual.send("POST", START, headers=headers, content=RAW)
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def in_pieces(raw: bytes, size: int):
    return (raw[start : start + size] for start in range(0, len(raw), size))


@pytest.mark.parametrize("sent", ["with a length", "in chunks"])
@pytest.mark.parametrize(
    ("size", "status"),
    [(BODY_LIMIT, 202), (BODY_LIMIT + 1, 413), (2 * BODY_LIMIT, 413), (20 * BODY_LIMIT, 413)],
)
def test_a_body_of_more_than_256_kib_is_413(manual, sent, size, status):
    raw = RAW.ljust(size)
    answer = manual.post(raw if sent == "with a length" else in_pieces(raw, 50_000))
    assert answer.status_code == status
    if status == 413:
        assert code(answer) == "PAYLOAD_TOO_LARGE"
        assert answer.json()["error"]["details"] == {"limit": BODY_LIMIT}
    assert manual.start().status_code == 202  # whatever became of the connection


def test_the_longest_description_fits_when_it_is_escaped(manual):
    raw = json.dumps({**FINE, "jobDescription": "😀" * 10_000}).encode()
    assert len(raw) > 120_000
    assert manual.post(raw).status_code == 202


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_chunked_body_without_a_length_is_fine(manual, size):
    answer = manual.post(in_pieces(RAW, size))
    assert "Content-Length" not in answer.request.headers
    assert answer.status_code == 202


# Strict JSON


def with_title(raw: bytes) -> bytes:
    return RAW.replace(b'"a"', raw)


def with_limit(raw: bytes) -> bytes:
    return RAW[:-1] + b',"limit":' + raw + b"}"


NOT_JSON = {
    "empty": b"",
    "white space": b" \n",
    "cut": RAW[:-1],
    "trailing text": RAW + b"x",
    "trailing object": RAW + b"{}",
    "trailing comma": RAW[:-1] + b",}",
    "trailing NUL": RAW + b"\0",
    "BOM": b"\xef\xbb\xbf" + RAW,
    "UTF-16 with BOM": RAW.decode().encode("utf-16"),
    "UTF-16 LE": RAW.decode().encode("utf-16-le"),
    "UTF-16 BE": RAW.decode().encode("utf-16-be"),
    "UTF-32": RAW.decode().encode("utf-32"),
    "latin-1": with_title(b'"caf\xe9"'),
    "UTF-8 cut off": with_title(b'"\xe2\x82"'),
    "overlong UTF-8": with_title(b'"\xc0\xaf"'),
    "UTF-8 beyond Unicode": with_title(b'"\xf4\x90\x80\x80"'),
    "surrogate in UTF-8": with_title(b'"\xed\xa0\x80"'),
    "surrogate pair in UTF-8": with_title(b'"\xed\xa0\xbd\xed\xb8\x80"'),
    "lone high surrogate": with_title(rb'"\ud83d"'),
    "lone low surrogate": with_title(rb'"\ude00"'),
    "surrogates reversed": with_title(rb'"\ude00\ud83d"'),
    "high surrogate, then text": with_title(rb'"\ud83dx"'),
    "lone surrogate in a name": RAW[:-1] + rb',"\ud83d":1}',
    "NaN": with_limit(b"NaN"),
    "Infinity": with_limit(b"Infinity"),
    "-Infinity": with_limit(b"-Infinity"),
    "1e400": with_limit(b"1e400"),
    "-1e400": with_limit(b"-1e400"),
    "an integer of 400 digits": with_limit(b"9" * 400),
    "an integer of 5000 digits": with_limit(b"9" * 5000),
    "leading zero": with_limit(b"020"),
    "plus": with_limit(b"+20"),
    "hex": with_limit(b"0x14"),
    "no digit after the point": with_limit(b"20."),
    "no digit before the point": with_limit(b".5"),
    "underscore": with_limit(b"2_0"),
    "two numbers": with_limit(b"2 0"),
    "single quotes": RAW.replace(b'"', b"'"),
    "bare name": RAW.replace(b'"title"', b"title"),
    "comment": b"/* x */" + RAW,
    "line break in a text": with_title(b'"a\nb"'),
    "tab in a text": with_title(b'"a\tb"'),
    "raw NUL in a text": with_title(b'"a\0b"'),
    "unknown escape": with_title(rb'"\x41"'),
    "cut escape": with_title(rb'"\u12"'),
    "Python": with_title(b"None"),
    "the same name twice": RAW[:-1] + b',"title":"z"}',
    "the same name and value twice": RAW[:-1] + b',"title":"a"}',
    "the same name, once escaped": RAW[:-1] + rb',"\u0074itle":"z"}',
    "the same name, escaped in capitals": RAW[:-1] + rb',"titl\u0065":"z","limit":1}',
    "the same name, spaced": RAW[:-1] + b',"title" \r\n\t : "z"}',
    "the same name three times": RAW[:-1] + b',"title":"z","title":"y"}',
    "the same unknown name twice": RAW[:-1] + b',"x":1,"x":1}',
    "the same name twice beside a text with quotes": with_title(rb'"\":"')[:-1] + b',"title":"z"}',
    "nested: the same name twice": with_title(b'{"x":1,"x":2}'),
    "nested in a list: the same name twice": with_title(b'[{"x":1},{"x":1,"x":2}]'),
    "deeply nested: the same name, once escaped": with_title(rb'[[{"x":{"a":1,"\u0061":2}}]]'),
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_not_strictly_json_is_400(manual, raw):
    answer = manual.post(raw)
    assert (answer.status_code, code(answer)) == (400, "VALIDATION_ERROR")
    (error,) = answer.json()["error"]["details"]["errors"]
    assert (error["path"], error["rule"]) == ("", "json")
    assert manual.sim.clock.until_idle() == []


def test_an_integer_beyond_64_bits_is_400(manual):
    for digits in (19, 20, 21, 39, 300):
        assert manual.post(with_limit(b"9" * digits)).status_code == 400


@pytest.mark.parametrize("depth", [100, 200, 300, 900, 1000, 1023, 1024, 1025, 20_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("place", ["title", "limit", "unknown", "whole"])
def test_a_body_of_any_depth_is_400(manual, depth, opening, closing, place):
    nested = opening * depth + b"1" + closing * depth
    raw = {
        "title": with_title(nested),
        "limit": with_limit(nested),
        "unknown": RAW[:-1] + b',"x":' + nested + b"}",
        "whole": nested,
    }[place]
    answer = manual.post(raw)
    assert (answer.status_code, code(answer)) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("depth", [60_000, 100_000])
def test_a_body_that_never_closes_is_400(manual, depth):
    assert manual.post(b"[" * depth).status_code == 400
    assert manual.post(b'{"":' * depth).status_code in (400, 413)


@pytest.mark.parametrize("unknown", [3, 24_000])
def test_a_body_of_very_many_properties_is_refused_before_anybody_gets_impatient(manual, unknown):
    many = b",".join(b'"%d":1' % number for number in range(24_000))
    raw = {3: b'{"a":1,"b":2,"title":{' + many + b"}}", 24_000: b"{" + many + b',"x":{"y":1}}'}
    answer = manual.send("POST", START, headers=JSON, content=raw[unknown], timeout=2)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (rb'"\u0000"', "\0"),
        (rb'"\ud83d\ude00"', "😀"),
        ('"😀"'.encode(), "😀"),
        (rb'"\/\"\\\b\f\n\r\t"', '/"\\\b\f\n\r\t'),
        (b'"\x7f"', "\x7f"),
        ('"\u2028\ufeff\uffff"'.encode(), "\u2028\ufeff\uffff"),
        (rb'"\":\":\":"', '":":":'),
        (rb'"title\":\"x"', 'title":"x'),
    ],
)
def test_json_in_all_its_spellings_is_taken_as_meant(manual, raw, title):
    assert json.loads(with_title(raw))["title"] == title
    one = manual.post(with_title(raw))
    other = manual.send("POST", START, json={**FINE, "title": title})
    assert one.status_code == other.status_code == 202
    manual.sim.clock.until_idle()
    people = [manual.poll(answer.json()["requestId"]).json() for answer in (one, other)]
    assert people[0]["candidates"] == people[1]["candidates"]


def test_white_space_around_tokens_is_fine(manual):
    assert manual.post(b' \r\n\t{ "title" :\t"a"\n,"jobDescription":"b" , "location":"c"} \n')
    assert manual.post(json.dumps(FINE, indent=4).encode()).status_code == 202


@pytest.mark.parametrize("raw", [b"true", b'"20"', b"20.5", b"null", b"2.05e1", b"[]", b"-0"])
def test_what_is_no_integer_of_1_to_100_is_400(manual, raw):
    answer = manual.post(with_limit(raw))
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]["errors"]
    assert error["path"] == "/limit"


# The scenario of a request


def met(answer) -> str:
    return answer.headers["X-Sim-Scenario"]


def test_every_answer_names_the_scenario_that_it_met(manual):
    request_id = manual.accepted()
    answers = [
        manual.start(),
        manual.poll(request_id),
        manual.poll(UNKNOWN),
        manual.send("HEAD", RESULTS),
        manual.send("OPTIONS", START),
        manual.send("DELETE", START),
        manual.send("TRACE", RESULTS),
        manual.send("GET", "/nothing"),
        manual.send("GET", "/nothing", key=None),
        manual.start(key=None),
        manual.start(key="sk_sim_nobody"),
        manual.start(key="sk_sim_acme_read"),
        manual.start(limit=0),
        manual.start(key="sk_sim_empty"),
        manual.start(webhookId=NO_WEBHOOK),
        manual.start(webhookId=BETA_WEBHOOK),
        manual.send("POST", START, content=RAW),
        manual.post(b"{"),
        manual.post(b" " * (BODY_LIMIT + 1)),
        manual.start(headers={"Accept": "text/html"}),
        manual.start(headers={"X-Sim-Scenario": "no-such"}),
        manual.start(key="sk_sim_acme.no-such"),
    ]
    statuses = {answer.status_code for answer in answers}
    assert statuses == {202, 204, 400, 401, 402, 403, 404, 405, 406, 413, 415}
    assert [met(answer) for answer in answers] == ["happy; via=default"] * len(answers)


@pytest.fixture
def assigned(connect, world):
    """A company with one key whose requests meet *one-candidate*, and one without."""
    keys = [{"key": "sk_plain"}, {"key": "sk_assigned", "scenario": "one-candidate"}]
    company = {"name": "One", "unit": "credits", "balance": 99, "keys": keys}
    return connect(world=world(company), clock="manual", scenario="nobody-matches")


@pytest.mark.parametrize(
    ("key", "header", "expected"),
    [
        ("sk_plain", None, "nobody-matches; via=default"),
        ("sk_assigned", None, "one-candidate; via=sandbox"),
        ("sk_plain.exhausted-on-page-2", None, "exhausted-on-page-2; via=key"),
        ("sk_assigned.exhausted-on-page-2", None, "exhausted-on-page-2; via=key"),
        ("sk_plain", "happy", "happy; via=header"),
        ("sk_assigned", "happy", "happy; via=header"),
        ("sk_plain.exhausted-on-page-2", "happy", "happy; via=header"),
        ("sk_assigned.exhausted-on-page-2", "happy", "happy; via=header"),
    ],
)
def test_the_header_beats_the_key_beats_the_world_beats_the_default(
    assigned, key, header, expected
):
    headers = {"X-Sim-Scenario": header} if header else None
    answer = assigned.start(key=key, headers=headers, limit=60)
    assert met(answer) == expected
    assigned.sim.clock.until_idle()
    request_id = answer.json()["requestId"]
    polled = assigned.poll(request_id, "sk_plain")
    assert met(polled) == expected  # a poll follows the run, not who polls
    found = {"nobody-matches": 0, "one-candidate": 1, "exhausted-on-page-2": 33, "happy": 60}
    assert polled.json()["foundCount"] == found[expected.partition(";")[0]]


def test_the_scenario_is_fixed_when_the_run_is_accepted(assigned):
    request_id = assigned.accepted(key="sk_assigned")
    elsewhere = {"X-Sim-Scenario": "provider-timeout"}
    assert met(assigned.poll(request_id, "sk_plain", elsewhere)) == "one-candidate; via=sandbox"
    assigned.sim.clock.until_idle()
    polled = assigned.poll(request_id, "sk_plain.slow", elsewhere)
    assert polled.json()["status"] == "completed"
    assert polled.json()["foundCount"] == 1


def test_a_404_of_a_run_shows_the_caller_s_own_default(assigned):
    assert met(assigned.poll(UNKNOWN, "sk_plain")) == "nobody-matches; via=default"
    assert met(assigned.poll(UNKNOWN, "sk_assigned")) == "one-candidate; via=sandbox"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("hapy", "happy"),
        ("Happy", "happy"),
        ("provider-timeout-then-okay", "provider-timeout-then-ok"),
        ("zzzzzzzz", None),
        ("../happy", "happy"),
        ("happy.yaml", "happy"),
    ],
)
@pytest.mark.parametrize("by", ["header", "key"])
def test_an_unknown_scenario_is_400_names_the_nearest_and_creates_nothing(
    connect, by, name, nearest
):
    api, fresh = connect(clock="manual"), connect(clock="manual")
    before = api.sim.ledger()
    if by == "header":
        answer = api.start(headers={"X-Sim-Scenario": name})
    else:
        answer = api.start(key=f"sk_sim_acme.{name}")
    assert (answer.status_code, code(answer)) == (400, "UNKNOWN_SCENARIO")
    details = answer.json()["error"]["details"]
    assert details == {"scenario": name} | ({"nearest": nearest} if nearest else {})
    assert name in answer.json()["error"]["message"]
    assert api.sim.ledger() == before
    assert api.sim.clock.until_idle() == []
    assert api.accepted() == fresh.accepted()


@pytest.mark.parametrize(("key", "headers"), [("sk_sim_acme.", {}), ("sk_sim_acme", {"": ""})])
def test_an_empty_scenario_name_is_an_unknown_one(manual, key, headers):
    headers = {"X-Sim-Scenario": ""} if headers else None
    answer = manual.start(key=key, headers=headers)
    assert (answer.status_code, code(answer)) == (400, "UNKNOWN_SCENARIO")


def test_a_poll_by_an_unknown_scenario_is_400_too(manual):
    request_id = manual.accepted()
    answer = manual.poll(request_id, headers={"X-Sim-Scenario": "no-such"})
    assert (answer.status_code, code(answer)) == (400, "UNKNOWN_SCENARIO")


def test_a_suffix_makes_no_key_of_a_key_that_is_none(manual):
    for key in ("sk_sim_nobody.happy", "sk_sim_acme_revoked.happy", ".happy"):
        assert manual.start(key=key).status_code == 401


def test_a_purse_of_a_scenario_belongs_to_one_key_and_one_scenario(connect, world, scenarios):
    keys = [{"key": "sk_one"}, {"key": "sk_two"}]
    company = {"name": "One", "unit": "credits", "balance": 9, "keys": keys}
    purse = {"account": {"balance": 2}}
    api = connect(world=world(company), scenarios=scenarios(small=purse, other=purse))

    def start(key, scenario):
        return api.start(key=key, headers={"X-Sim-Scenario": scenario}, limit=40).status_code

    assert start("sk_one", "small") == 202
    assert start("sk_one", "small") == 402
    assert start("sk_two", "small") == 202
    assert start("sk_one", "other") == 202
    assert api.account("One") == {"granted": 9, "available": 9, "held": 0, "charged": 0}


def test_a_scenario_of_one_s_own_comes_before_a_shipped_one_of_that_name(connect, scenarios):
    api = connect(scenarios=scenarios(happy={"provider": {"total": 3}}))
    assert api.finished()["foundCount"] == 3


def test_two_scenarios_at_a_time_do_not_mix(manual):
    names = ["one-candidate", "provider-fails-on-page-1", "nobody-matches", "happy"]
    ids = [manual.accepted(headers={"X-Sim-Scenario": name}, limit=40) for name in names]
    manual.sim.clock.until_idle()
    documents = [manual.poll(id_).json() for id_ in ids]
    assert [document.get("foundCount") for document in documents] == [1, None, 0, 40]
