"""A server that takes a call for a browser's: the habit ``form_posts``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remotesupport.emulator.exchange import ApiRequest
from remotesupport.emulator.v6.general import COOKIE

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

_FORMS = (".edit", ".filter")
_TOOLS = "support_tool_"


def form_redirect(billing: Billing, request: ApiRequest) -> str:
    """The deep link to which a form that was posted without ``sfrom=ajax`` is sent, "" where it is accepted."""
    habit, params = billing.habits["form_posts"], request.params
    if habit == "accepted" or request.method != "POST" or params.get("sfrom") == "ajax":
        return ""
    function = params.get("func", "")
    if not (function.endswith(_FORMS) or function.startswith(_TOOLS)):
        return ""
    if habit == "redirected_session_gone":
        billing.sessions.end(params.get("auth") or request.cookies.get(COOKIE, ""))
    return f"/billmgr?startform={function}"
