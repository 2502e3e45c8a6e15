from starlette.routing import Route


def page_routes(billing) -> list[Route]:
    return []
