# SPDX-License-Identifier: MIT
"""Early-Data (RFC 8470) for ASGI applications on Starlette or FastAPI.

A request with the field `Early-Data: 1` may have been recorded and sent again by a stranger. What bears that is acted
upon; to everything else the answer is 425 Too Early, and the proxy in front asks again when it knows the client.

    app.add_middleware(EarlyData)

    @app.get("/raffle")
    @early(False)
    async def raffle(): ...

Without a mark GET, HEAD and OPTIONS bear it and other methods do not. Nothing of a refused request runs, neither its
endpoint nor its dependencies. Applications that are mounted need the middleware themselves.
"""
from starlette.responses import PlainTextResponse
from starlette.routing import Match

SAFE = {"GET", "HEAD", "OPTIONS"}


def early(allowed: bool):
    """Marks an endpoint: whether it may be acted upon early, whatever its method."""

    def mark(endpoint):
        endpoint.early = allowed
        return endpoint

    return mark


def endpoint_of(scope):
    """Where the application would send the request; None when it has no such route."""
    for route in scope["app"].routes:
        match, found = route.matches(scope)
        if match == Match.FULL:
            return found["endpoint"]
    return None


class EarlyData:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        app = self.app
        if scope["type"] == "http" and any(name == b"early-data" for name, _ in scope["headers"]):
            if not getattr(endpoint_of(scope), "early", scope["method"] in SAFE):
                app = PlainTextResponse("425 Too Early: ask again after the handshake.\n", 425)
        await app(scope, receive, send)
