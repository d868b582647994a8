"""The tables. Everything is keyed by (sandbox, id): two sandboxes may share ids.

Moments are milliseconds on the simulator's clock (`lease_until` alone: wall clock); amounts are
exact (credits, or seconds of minutes); flags are 0 or 1. A run or delivery is work as long as it
has a `due`, so an unfinished run is exactly one piece of work. Types are those that SQLite and
PostgreSQL share; `{bytes}` is the one type that the driver names, `{clustered}` what it adds to a
table that is read by its key alone.
"""

#: Raised by one with each change of a table; a file of another version is refused.
VERSION = 1

TABLES = """
CREATE TABLE sandbox (
    id TEXT PRIMARY KEY,
    seed BIGINT NOT NULL,
    clock TEXT NOT NULL,
    now_ms BIGINT NOT NULL
);
CREATE TABLE company (
    sandbox TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (sandbox, id)
);
CREATE TABLE api_key (
    sandbox TEXT NOT NULL,
    id TEXT NOT NULL,
    company TEXT NOT NULL,
    number BIGINT NOT NULL,
    secret TEXT NOT NULL,
    scopes TEXT NOT NULL,
    state TEXT NOT NULL,
    scenario TEXT,
    PRIMARY KEY (sandbox, id)
);
CREATE TABLE webhook (
    sandbox TEXT NOT NULL,
    id TEXT NOT NULL,
    company TEXT NOT NULL,
    number BIGINT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    secret TEXT NOT NULL,
    headers TEXT NOT NULL,
    active BIGINT NOT NULL,
    max_retries BIGINT NOT NULL,
    timeout_ms BIGINT NOT NULL,
    PRIMARY KEY (sandbox, id)
);
CREATE TABLE account (
    sandbox TEXT NOT NULL,
    id TEXT NOT NULL,
    company TEXT NOT NULL,
    scenario TEXT,
    unit TEXT NOT NULL,
    postpaid BIGINT NOT NULL,
    granted BIGINT NOT NULL,
    available BIGINT NOT NULL,
    held BIGINT NOT NULL,
    charged BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    PRIMARY KEY (sandbox, id)
);
CREATE TABLE entry (
    sandbox TEXT NOT NULL,
    account TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    run TEXT,
    PRIMARY KEY (sandbox, account, number)
) {clustered};
CREATE TABLE run (
    sandbox TEXT NOT NULL,
    id TEXT NOT NULL,
    company TEXT NOT NULL,
    account TEXT NOT NULL,
    scenario TEXT NOT NULL,
    via TEXT NOT NULL,
    title TEXT NOT NULL,
    job_description TEXT NOT NULL,
    location TEXT NOT NULL,
    query TEXT,
    candidate_limit BIGINT NOT NULL,
    webhook TEXT,
    state TEXT NOT NULL,
    held BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    completed_at BIGINT,
    page BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    empty BIGINT NOT NULL,
    found BIGINT NOT NULL,
    result {bytes},
    due BIGINT,
    lease_until BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (sandbox, id)
);
CREATE INDEX run_due ON run (sandbox, due) WHERE due IS NOT NULL;
CREATE TABLE page_query (
    sandbox TEXT NOT NULL,
    run TEXT NOT NULL,
    page BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    answered_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    more BIGINT,
    people BIGINT NOT NULL,
    new_people {bytes},
    PRIMARY KEY (sandbox, run, page, attempt)
);
CREATE TABLE delivery (
    sandbox TEXT NOT NULL,
    id TEXT NOT NULL,
    webhook TEXT NOT NULL,
    run TEXT NOT NULL,
    event TEXT NOT NULL,
    body {bytes} NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due BIGINT,
    lease_until BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (sandbox, id)
);
CREATE INDEX delivery_due ON delivery (sandbox, due) WHERE due IS NOT NULL;
CREATE INDEX delivery_of_run ON delivery (sandbox, run);
CREATE TABLE attempt (
    sandbox TEXT NOT NULL,
    delivery TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    status BIGINT,
    error TEXT,
    duration_ms BIGINT NOT NULL,
    retry_at BIGINT,
    PRIMARY KEY (sandbox, delivery, number)
)
"""
