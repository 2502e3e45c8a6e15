"""Plans: sorted, named by their content, and lossless as text."""

import pandas as pd
import pytest

from remotesupport.core import frames
from remotesupport.core.plan.plan import counts, from_json, make_plans, to_json
from tests.core_inputs import link, message, reply, run, ticket

WORLD = {
    "tickets": [
        ticket("1"), ticket("2", subject="Ж😀\n\"'<b>"), ticket("900", "main", origin="1"),
        ticket("3", connection="beta"), ticket("4", connection="beta"),
    ],
    "messages": [
        message("1"), message("2", body="Привет 😀\n\u2028\t\"'"), reply("3"), message("4", ticket="2"),
        message("1", connection="beta", ticket="3"),
    ],
    "links": [link()],
    "correspondences": [
        {"connection": c, "department": "7", "main_department": "70", "enabled": True} for c in ("acme", "beta")
    ],
    "reads": [
        {"connection": c, "side": s, "outcome": "ok", "complete": True, "detail": ""}
        for c in ("acme", "beta") for s in ("external", "main")
    ],
}  # fmt: skip


def test_one_plan_per_connection() -> None:
    """Each connection that has changes has a plan of its own rows only, replies to customers first."""
    plans = make_plans(run(**WORLD).changes)
    assert list(plans) == ["acme", "beta"]
    assert (plans["acme"].changes["kind"] + plans["acme"].changes["direction"]).tolist() == [
        "postto_external", "postto_main", "postto_main", "createto_main",
    ]  # fmt: skip
    assert plans["beta"].changes["ext_ticket"].tolist() == ["3"]
    assert counts(plans["acme"]) == {
        "create": 1, "adopt": 0, "post": 3, "close": 0, "reopen": 0, "departure": 0, "conflict": 0,
    }  # fmt: skip


def test_id_is_the_content() -> None:
    """The same rows in any order make the same id; any other row makes another."""
    changes = run(**WORLD).changes
    before = make_plans(changes)["acme"]
    again = make_plans(changes.sample(frac=1, random_state=1))["acme"]
    other = make_plans(changes.assign(body=changes["body"] + "."))["acme"]
    assert before.id == again.id
    assert before.id.startswith("p-")
    assert len(before.id) == 14
    assert other.id != before.id


def test_json_is_lossless() -> None:
    """A plan that was saved is the plan that is applied, to the last character and dtype."""
    for plan in make_plans(run(**WORLD).changes).values():
        back = from_json(to_json(plan))
        pd.testing.assert_frame_equal(back.changes, plan.changes)
        assert {c: str(t) for c, t in back.changes.dtypes.items()} == dict(frames.CHANGES.columns)
        assert (back.id, back.digest, back.connection) == (plan.id, plan.digest, plan.connection)


def test_json_is_sealed() -> None:
    """A saved plan whose rows were changed is refused."""
    text = to_json(make_plans(run(**WORLD).changes)["beta"])
    with pytest.raises(ValueError, match="has been changed"):
        from_json(text.replace("text 1", "text 2"))


def test_nothing_planned() -> None:
    """No changes, no plans."""
    assert make_plans(frames.empty(frames.CHANGES)) == {}


def test_adoption_counts_once() -> None:
    """An adoption that recognises both directions is one adoption."""
    outcome = run(
        tickets=[ticket("1"), ticket("900", "main", origin="1")],
        messages=[
            message("1"), message("2", "staff", "Done"), reply("8", "Done"),
            reply("7", "acme #1/1 | A (client) | t\ntext 1", kind="client"),
        ],
    )  # fmt: skip
    plan = make_plans(outcome.changes)["acme"]
    assert len(plan.changes) == 2
    assert counts(plan)["adopt"] == 1
