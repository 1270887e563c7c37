# SPDX-License-Identifier: MIT
"""The demo application, and an order that is written down before it is answered: the ledger outlives the process."""
import os

from app import app

ledger = os.open(os.environ["H3EDGE_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


@app.post("/order/{name}", status_code=201)
async def order(name: str):
    """What must not happen twice."""
    os.write(ledger, f"{name}\n".encode())
    return {"order": name}
