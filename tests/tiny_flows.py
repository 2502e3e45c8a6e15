"""Flows for the tests of the warm worker. They do nothing with tickets."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Annotated

from prefect import flow
from prefect.states import Completed, Failed
from pydantic import BaseModel, Field

from flows.deadline import ask_for


@flow
async def quick(word: str = "hello") -> object:
    """Ends at once; the message names the process."""
    return Completed(message=f"{word} from {os.getpid()}")


@flow
async def waits(seconds: float = 60) -> None:
    """Waits in a way that can be cancelled."""
    await asyncio.sleep(seconds)


@flow
async def asks_for_time() -> None:
    """Needs two seconds and says so."""
    ask_for(30)
    await asyncio.sleep(2)


@flow
async def stubborn(seconds: float = 60) -> None:
    """Does not yield: nothing in its process can end it."""
    time.sleep(seconds)


class Form(BaseModel):
    """A form, whose annotation is text here as in our flows."""

    number: Annotated[int, Field(ge=1)]


@flow
async def filled_in(form: Form) -> object:
    """Shows what came through the form."""
    return Completed(message=f"{type(form).__name__} {form.number}")


@flow
async def breaks() -> None:
    """Raises."""
    raise RuntimeError("broken on purpose")


@flow
async def fails() -> object:
    """Ends in a failed state with a message."""
    return Failed(message="acme: refused")


@flow
def plain() -> None:
    """Is not async, so the warm worker refuses it."""
