"""The ceiling: a bare ASGI application that reads a body and answers 202, on the same uvicorn."""

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

_BODY = b'{"success":true,"requestId":"req_00000000-0000-4000-8000-000000000000"}'


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    import sys

    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
