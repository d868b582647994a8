"""The contract, read aloud: pure rules without I/O, clock, framework or randomness of their own.

Time comes in as `now` (milliseconds since the epoch, simulator clock), chance as `seed`.
Rule numbers such as `contract 2.3 [S]` name the rule and its evidence: [S] stated, [D] documented
by the provider, [A] assumed by us.
"""
