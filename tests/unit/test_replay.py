"""What a plan was made from: kept as a document, sealed, without its texts; planned again and compared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remotesupport.core import frames
from remotesupport.core.plan.guard import Facts, Limits, Verdict
from remotesupport.core.plan.plan import make_plans
from remotesupport.core.reconcile import Inputs, reconcile
from remotesupport.core.replay.comparison import TEXTS, What, differences, without_texts
from remotesupport.core.replay.kept import Kept, from_document, of_connection, refuse_too_much, to_document
from remotesupport.core.replay.stand_ins import with_stand_ins
from remotesupport.core.text.compose import closed_notice, header, to_main
from remotesupport.core.text.normalize import body_hash
from remotesupport.sealing import BadKey, NotReadable, check_key, opened, sealed
from tests.core_inputs import blocked, carried, gone, inputs, link, message, reply, ticket

KEY, OTHER_KEY = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=", "+/////////////////////////////////////////8="
PRIVATE = "Иван Петров and his secret"


def told(source: dict[str, Any], number: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    """A MESSAGES row: how main shows an external message that was told there."""
    head = header("acme", "1", source["message"], source["author"], source["kind"], source["at_text"], source["zone"])
    text = to_main(head, source["body"] if body is None else body, **more)
    return message(number, "client", text, side="main", ticket="900", own="yes")


def created() -> Inputs:
    """A new ticket with a file, one that is only named in a subject, one that is gone."""
    file = '[{"file": "f1", "name": "Иван.png", "size": 3}]'
    said = message("1", body=PRIVATE, files=file, at=pd.Timestamp("2026-11-20T07:15:00Z"))
    return inputs(tickets=[ticket("1", subject=PRIVATE)], messages=[said], absent=[gone("2")], waits=[])


def answered() -> Inputs:
    """An answer for a client, and a question that waits."""
    asked = message("1", body=PRIVATE)
    main = ticket("900", "main", subject=f"[acme #1] {PRIVATE}", author="Anna")
    said = [asked, told(asked, "2"), reply("3", f"answer to {PRIVATE}"), message("4", body="and more")]
    waits = [blocked("to_main", "an earlier write has no known outcome")]
    return inputs(tickets=[ticket("1"), main], messages=said, links=[link()], ledger=[carried(asked, "2")], waits=waits)


def edited() -> Inputs:
    """A message that was carried with another text."""
    before, after = message("1", body="as it was"), message("1", body=f"now {PRIVATE}")
    said = [after, told(before, "2")]
    return inputs(
        tickets=[ticket("1"), ticket("900", "main")], messages=said, links=[link()], ledger=[carried(before, "2")]
    )


def lost_ledger() -> Inputs:
    """Main has told messages of which the ledger knows nothing: the same text, an edit of it, one after the other."""
    one, two = message("1", body=PRIVATE), message("2", "staff", f"{PRIVATE}, edited")
    old = message("2", "staff", "before it was edited")
    both = f"{told(one, '3')['body']}\n\n---\n\n{told(old, '3')['body']}"
    said = [one, two, message("3", "client", both, side="main", ticket="900", own="yes"), reply("9", "an answer")]
    return inputs(tickets=[ticket("1"), ticket("900", "main")], messages=said)


def closed_there() -> Inputs:
    """A close that main was told of by a notice, which is the last word there."""
    asked = message("1", body=PRIVATE)
    notice = message("5", "client", closed_notice("acme", "1"), side="main", ticket="900", own="yes")
    said = [asked, told(asked, "2"), notice]
    tickets = [ticket("1", state="closed"), ticket("900", "main")]
    return inputs(tickets=tickets, messages=said, links=[link()], ledger=[carried(asked, "2")])


def renamed() -> Inputs:
    """A ticket whose messages are other ones, under the same subject; main was not read."""
    tickets = [ticket("1", subject=PRIVATE), ticket("900", "main", subject=f"[acme #1] {PRIVATE}", fresh=False)]
    return inputs(
        tickets=tickets,
        messages=[message("1", body="quite another text")],
        links=[link()],
        ledger=[carried(message("1", body="what it was"), "2")],
        standing=False,
    )


OTHERS = pytest.mark.thorough("the same law for other situations, a third of a second of CPU time each")
SITUATIONS = [answered, lost_ledger, renamed, *(pytest.param(s, marks=OTHERS) for s in (created, edited, closed_there))]


def planned(given: Inputs) -> tuple[str, list[dict[str, Any]]]:
    """The plan of acme: its id, its rows."""
    plan = make_plans(reconcile(given).changes).get("acme")
    return (plan.id, frames.records(plan.changes)) if plan else ("", [])


def kept(given: Inputs) -> Kept:
    plan_id, rows = planned(given)
    return Kept("acme", given, plan_id, rows)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_document_gives_the_same_plan_by_its_id(situation: Any) -> None:
    """What was written down and read again is planned again with the same id and the same rows."""
    before = kept(situation())
    after = from_document(to_document(before))
    assert planned(after.inputs) == (before.plan_id, before.rows)
    assert (after.plan_id, after.rows) == (before.plan_id, before.rows)


def test_a_document_holds_everything_else_that_decides() -> None:
    """Sets, limits of texts, switches, what a person gave up, the guard's facts and verdict come back as they were."""
    given = replace(
        created(),
        quiet=True, create_closed=True, show_author=frozenset({"acme"}), flagged=frozenset({("acme", "7")}),
        unconfirmed=frozenset({("acme", "1"), ("acme", "2")}), longest={("acme", "to_main"): 4000},
    )  # fmt: skip
    before = Kept(
        "acme", given, "", [], {("acme", "3"): "a person said so"}, Facts(linked=7, in_a_day={"creates": 2}),
        Limits(creates=1), Verdict(False, "too many"), whole=False,
    )  # fmt: skip
    after = from_document(to_document(before))
    assert replace(after, inputs=before.inputs) == before
    for name, value in vars(given).items():
        found = getattr(after.inputs, name)
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(found, value)
        else:
            assert found == value


def test_one_connection_alone_is_planned_as_in_its_shard() -> None:
    """The part of a shard's inputs that is one connection's makes the plan that the whole shard made for it."""
    first, second = created(), answered()

    def of_other(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(connection="globex")

    both = replace(
        first,
        **{
            name: pd.concat([value, of_other(getattr(second, name))], ignore_index=True)
            for name, value in vars(first).items()
            if isinstance(value, pd.DataFrame)
        },
        unconfirmed=frozenset({("globex", "77")}),
        longest={("globex", "to_main"): 4000},
    )
    plans = make_plans(reconcile(both).changes)
    assert set(plans) == {"acme", "globex"}
    for name, plan in plans.items():
        alone = of_connection(both, name)
        assert make_plans(reconcile(alone).changes)[name].id == plan.id
        listed = [frame["connection"] for frame in vars(alone).values() if isinstance(frame, pd.DataFrame)]
        assert {one for column in listed for one in column} == {name}
    assert of_connection(both, "acme").unconfirmed == frozenset()


def test_a_document_of_another_version_is_read_as_far_as_it_goes() -> None:
    """What this version does not know is left out, what may be missing has its default, anything else is named."""
    known = json.loads(to_document(kept(created())))
    newer = known | {"inputs": known["inputs"] | {"of_tomorrow": [1]}, "facts": known["facts"] | {"of_tomorrow": 1}}
    del newer["inputs"]["longest"]
    newer["inputs"]["tickets"].pop("origin")
    assert planned(from_document(json.dumps(newer).encode()).inputs)[0] == known["plan_id"]
    older = json.loads(json.dumps(known))
    older["inputs"]["tickets"].pop("activity")
    for wrong, what in (
        (older, "tickets has no activity"),
        (known | {"format": 9}, "format is 9"),
        ({"format": 1}, "not complete"),
        (known | {"inputs": {}}, "tickets"),
    ):
        with pytest.raises(ValueError, match=what):
            from_document(json.dumps(wrong).encode())


@pytest.mark.parametrize("situation", SITUATIONS)
def test_without_texts_the_same_rows_are_planned(situation: Any) -> None:
    """Stand-ins for all that people wrote change nothing of what is planned but its texts, and so its id."""
    given = situation()
    _, rows = planned(given)
    bare = with_stand_ins(given)
    assert without_texts(planned(bare)[1]) == without_texts(rows)
    written = repr(json.loads(to_document(Kept("acme", bare, "", without_texts(rows), whole=False))))
    assert [word for word in ("secret", "Иван", "another text", "Ann") if word in written] == []


def test_an_id_cannot_be_kept_without_the_texts() -> None:
    """A plan that sends a text has another id when the text is not there: only its rows can be compared."""
    plan_id, _ = planned(answered())
    assert planned(with_stand_ins(answered()))[0] not in ("", plan_id)


def test_texts_that_decide_stay() -> None:
    """Equal texts stay equal, blank ones blank, notices and header lines of ours keep their form."""
    one = message("1", body="the same")
    said = [one, message("2", body="the same"), message("3", body=" \n"), told(one, "4")]
    notice = message("5", "client", closed_notice("acme", "1"), side="main", ticket="900")
    bodies = with_stand_ins(inputs(messages=[*said, notice])).messages["body"].tolist()
    assert bodies[0] == bodies[1] == body_hash("the same")
    assert bodies[2] == " \n"
    assert bodies[3].splitlines() == [
        "acme #1/1 | someone (client) | 2026-11-20 10:15:00 Europe/Moscow", body_hash("the same")
    ]  # fmt: skip
    assert bodies[4] == "acme #1 was closed there."


def test_more_text_than_is_kept_is_refused_with_both_lengths() -> None:
    """Inputs have a limit in characters; the words have it and what was there."""
    refuse_too_much(created())
    with pytest.raises(ValueError, match="26 characters long, and at most 25"):
        refuse_too_much(created(), most=25)


def row(act: str, **more: Any) -> dict[str, Any]:
    known = {"kind": "post", "direction": "to_main", "ext_ticket": "1", "main_ticket": "900", "act": act}
    return known | {"body": "a", "rank": 1} | more


def test_plans_are_compared_by_their_writes() -> None:
    """A write is gone, new, or planned otherwise with both values; equal ones are not named."""
    found = differences([row("1"), row("2"), row("3")], [row("1"), row("3", body="b", rank=2), row("4")])
    assert [(one.what, one.act) for one in found] == [(What.GONE, "2"), (What.NEW, "4"), (What.CHANGED, "3")]
    assert found[2].columns == {"body": ("a", "b"), "rank": (1, 2)}
    assert differences(without_texts([row("1")]), without_texts([row("1", body="b")])) == []
    assert set(frames.CHANGES.columns) > TEXTS


def test_what_is_sealed_can_be_had_again_with_its_key_only() -> None:
    """Bytes come back with the same key; with another one, or damaged, they are not readable, in words."""
    data = b"texts of people" * 100
    assert opened(sealed(data)) == data
    body = sealed(data, KEY)
    assert data[:15] not in body
    assert opened(body, KEY) == data
    for wrong, key in ((body, OTHER_KEY), (body[:-9] + b"x" * 9, KEY), (b"damaged", "")):
        with pytest.raises(NotReadable):
            opened(wrong, key)


def test_a_key_is_thirty_two_bytes_in_base64() -> None:
    """The output of `openssl rand -base64 32` is a key; a password is none, and the words say what makes one."""
    check_key(OTHER_KEY)
    for wrong in ("a password", "c2hvcnQ=", "ü" * 44):
        with pytest.raises(BadKey, match="openssl rand -base64 32"):
            check_key(wrong)


@settings(max_examples=20)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=[]), max_size=6), max_size=4))
def test_any_text_survives_a_document(texts: list[str]) -> None:
    """Whatever signs a text has, lone surrogates too, it comes back as it was."""
    given_ = inputs(messages=[message(str(n), body=text) for n, text in enumerate(texts, 1)])
    assert from_document(to_document(Kept("acme", given_, ""))).inputs.messages["body"].tolist() == texts
