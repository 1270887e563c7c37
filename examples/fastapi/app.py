# SPDX-License-Identifier: MIT
"""The application behind the edge: plain FastAPI, which knows nothing of HTTP/3. It knows which of its routes bear a
replay (early_data.py), so that a proxy may send it requests before a handshake is complete.

    /usr/bin/python3 -m uvicorn --app-dir examples/fastapi app:app

Uvicorn believes the X-Forwarded-* fields of a proxy on 127.0.0.1, so `request.url` is what the client asked for.
"""
import asyncio
import hashlib
import itertools
import random

from early_data import EarlyData, early
from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import BaseModel, Field

app = FastAPI(title="libh3edge demo")
app.add_middleware(EarlyData)


@app.get("/")
async def index(request: Request):
    return {"message": "Hello from FastAPI", "url": str(request.url)}


@app.get("/users/{id}")
async def user(id: int):
    return {"id": id, "name": f"User {id}"}


@app.get("/slow")
async def slow(seconds: float = 1.0):
    """Thinks before it answers."""
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@app.get("/me")
async def me(request: Request):
    return RedirectResponse(str(request.url_for("user", id=1)))


@app.get("/fields")
async def fields(request: Request):
    """The request's fields as they came in, for whoever wonders what a proxy makes of them."""
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw]


class Charge(BaseModel):
    cents: int = Field(gt=0)


charges = []


@app.post("/charge", status_code=201)
async def charge(charge: Charge):
    """What must not happen twice."""
    charges.append(charge.cents)
    return {"number": len(charges), "cents": charge.cents}


@app.get("/charges")
async def charged():
    return {"count": len(charges), "cents": sum(charges)}


numbers = itertools.count(1)


@app.get("/number")
@early(False)
async def number():
    """A GET that changes something: each number is given out once."""
    return {"number": next(numbers)}


@app.put("/upload")
async def upload(request: Request):
    """Reads the content as it comes and keeps nothing of it."""
    digest, length = hashlib.sha256(), 0
    async for piece in request.stream():
        digest.update(piece)
        length += len(piece)
    return {"length": length, "sha256": digest.hexdigest()}


@app.post("/form")
async def form(file: UploadFile, title: str = Form()):
    """A file from a browser's form (multipart/form-data)."""
    digest, length = hashlib.sha256(), 0
    while piece := await file.read(BLOCK):
        digest.update(piece)
        length += len(piece)
    return {"title": title, "name": file.filename, "length": length, "sha256": digest.hexdigest()}


BLOCK = 64 * 1024


def blocks(length: int):
    """`length` bytes of noise, always the same."""
    for number in itertools.count():
        if length <= 0:
            return
        yield random.Random(number).randbytes(BLOCK)[:length]
        length -= BLOCK


@app.api_route("/download", methods=["GET", "HEAD"])
async def download(request: Request, length: int = 100 * 1024 * 1024):
    async def content():
        for block in blocks(length if request.method == "GET" else 0):
            yield block

    return StreamingResponse(content(), media_type="application/octet-stream", headers={"content-length": str(length)})


@app.get("/events")
async def events(count: int = 10, interval: float = 1.0):
    """Server-sent events: each one must arrive when it is sent, not when the response ends."""

    async def content():
        for number in range(1, count + 1):
            yield f"id: {number}\ndata: tick\n\n"
            if number < count:
                await asyncio.sleep(interval)

    return StreamingResponse(content(), media_type="text/event-stream", headers={"cache-control": "no-store"})


listeners = set()


@app.get("/messages")
async def messages(count: int):
    """The next `count` messages that anybody posts, as server-sent events."""
    queue = asyncio.Queue()

    async def content():
        listeners.add(queue)
        try:
            yield ": listening\n\n"
            for _ in range(count):
                yield f"data: {await queue.get()}\n\n"
        finally:
            listeners.discard(queue)

    return StreamingResponse(content(), media_type="text/event-stream", headers={"cache-control": "no-store"})


@app.post("/messages/{text}", status_code=202)
async def post_message(text: str):
    for queue in listeners:
        queue.put_nowait(text)
    return {"listeners": len(listeners)}
