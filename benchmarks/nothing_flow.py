"""A flow that does nothing: what Prefect alone costs for a run. A peer of the product's own flow."""

from prefect import flow


@flow(name="nothing", persist_result=False)
async def nothing() -> None:
    """Ends at once."""
