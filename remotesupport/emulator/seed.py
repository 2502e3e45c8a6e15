"""The people of a new emulated billing, and what is planted in it: nothing, a week of tickets, or very many.

Well-known log-ins (invented; the password is ``demo-<login>-password``, the robot's is ``demo-robot-password``):
superuser ``admin``; staff ``support-robot`` and ``olga`` (Technical support), ``petr`` (Sales, Billing), ``anna``
(Outsourced support), ``boris`` (Outsourced support, abuse); clients ``ivan``, ``maria``, ``john``, ``liwei``, ``shop``;
one customer user per connection, ``acme`` and ``globex`` by default. So every emulator can be either side.
"""

from __future__ import annotations

from remotesupport.emulator.clock import Clock
from remotesupport.emulator.database import Database
from remotesupport.emulator.people import CLIENT, DEPARTMENT, EMPLOYEE, SUPER, People
from remotesupport.emulator.seed_bulk import plant_many
from remotesupport.emulator.seed_week import plant_week

DEPARTMENTS = ("Technical support", "Sales", "Billing", "Outsourced support", "Абузы и безопасность")
_STAFF = (
    ("admin", SUPER, "Администратор", ()),
    ("support-robot", EMPLOYEE, "Support robot", ("Technical support",)),
    ("olga", EMPLOYEE, "Ольга Смирнова", ("Technical support",)),
    ("petr", EMPLOYEE, "Пётр О'Коннор", ("Sales", "Billing")),
    ("anna", EMPLOYEE, "Anna Weber", ("Outsourced support",)),
    ("boris", EMPLOYEE, "Boris Novák", ("Outsourced support", "Абузы и безопасность")),
)
_CLIENTS = (
    ("ivan", "Иван Петров", "Europe/Moscow", "ru"),
    ("maria", "Мария Ёлкина-Щукина", "Asia/Yekaterinburg", "ru"),
    ("john", 'John "Johnny" O\'Neil', "America/New_York", "en"),
    ("liwei", "李伟 🚀", "Asia/Shanghai", "en"),
    ("shop", "ООО «Рога & Копыта» <shop>", "", "ru"),
)


def password_of(login: str) -> str:
    """The invented password of a planted user."""
    return "demo-robot-password" if login == "support-robot" else f"demo-{login}-password"


def plant(
    database: Database,
    people: People,
    clock: Clock,
    seed: int,
    customers: tuple[str, ...],
    tickets: int,
    tickets_of: str | None,
) -> None:
    """The people; with ``seed`` other than 0 a week of tickets up to now; ``tickets`` more, of one client if named."""
    _plant_people(people, customers)
    if seed:
        plant_week(database, people, clock.now(), seed)
    if tickets:
        plant_many(database, people, clock.now(), tickets, [tickets_of] if tickets_of else [row[0] for row in _CLIENTS])


def _plant_people(people: People, customers: tuple[str, ...]) -> None:
    departments = {name: people.add(f"department {name}", DEPARTMENT, realname=name).id for name in DEPARTMENTS}
    for login, level, realname, member_of in _STAFF:
        employee = people.add(login, level, password=password_of(login), realname=realname, timezone="Europe/Moscow")
        for name in member_of:
            people.join(departments[name], employee.id)
    for login, realname, timezone, lang in _CLIENTS:
        people.add(login, CLIENT, password=password_of(login), realname=realname, timezone=timezone, lang=lang)
    for login in customers:
        if people.find(login):
            continue
        realname = f"{login.capitalize()} Hosting"
        people.add(login, CLIENT, password=password_of(login), realname=realname, timezone="Europe/Moscow")
