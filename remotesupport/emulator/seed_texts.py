"""Invented conversations of a hosting provider: only texts, who writes them and how many minutes later."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """``do``: write, note, transfer (``text``: the department), close, archive. ``after``: minutes since the last."""

    who: str
    text: str = ""
    after: int = 0
    do: str = "write"
    keep: bool = False
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """The first step opens the ticket."""

    department: str
    subject: str
    steps: tuple[Step, ...]


_TRACE = b"traceroute to 192.0.2.10, 30 hops max\n 1  gw.invalid  0.3 ms\n 2  * * *\n"
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000154a24f5d"
    "0000000049454e44ae426082"
)
_NGINX = '```\nserver {\n    listen 80;\n    server_name example.invalid;\n    root "/var/www/<site>";\n}\n```'

STORIES: tuple[Story, ...] = (
    Story("Technical support", "Сайт не открывается: ошибка 502", (
        Step("ivan", "Добрый день!\r\n\r\nС утра example.invalid отдаёт 502. Посмотрите.\r\nС уважением,\r\nИван"),
        Step("olga", "Похоже на php-fpm, см. память на узле 17. Клиенту пока не говорить.", 12, "note"),
        Step("olga", "Здравствуйте, Иван! Перезапустили php-fpm, проверьте, пожалуйста.", 15),
        Step("ivan", "Спасибо, работает! 👍", 42),
        Step("olga", "Рады помочь.", 8),
        Step("ivan", "", 300, "archive"),
    )),
    Story("Technical support", "Server \"srv-7\" <b>down</b> & rebooting; DROP TABLE tickets;--", (
        Step("john", "It says: <script>alert('xss')</script> & then \"Kernel panic\".\nSee the trace.", files=((
            "trace route №1.txt", _TRACE),)),
        Step("olga", "Which kernel? Please run `uname -a` and send the output.", 25),
        Step("john", "Linux srv-7 6.1.0-18-amd64 <unknown>", 90),
    )),
    Story("Technical support", "𝕌𝕟𝕚𝕔𝕠𝕕𝕖 in database 🐘: 李伟's Ñandú", (
        Step("liwei", "MySQL utf8 loses 🚀 and 𠜎. Switch to utf8mb4 how?\n\nالعربية too.", files=(
            ("屏幕.png", _PIXEL),
        )),
        Step("olga", "ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4; take a dump first.", 70),
    )),
    Story("Sales", "Хочу сервер побольше", (
        Step("shop", "Нужно 128 ГБ памяти и 2×NVMe. Есть ли скидка на год?"),
        Step("petr", "Скидка 15 % при оплате за год. Маржа позволяет до 20 %.", 30, "note"),
        Step("petr", "Здравствуйте! На год даём 15 %.", 34),
        Step("shop", "Тогда переезд делает ваша техподдержка?", 200),
        Step("petr", "Technical support", 10, "transfer"),
        Step("olga", "Да, перенесём ночью, без простоя.", 45),
    )),
    Story("Billing", "Двойное списание 12.11", (
        Step("maria", "С карты списали дважды: 2 × 1 990,00 ₽. Верните один платёж, пожалуйста."),
        Step("petr", "Вижу оба платежа, возвращаем второй в течение трёх дней.", 55),
        Step("maria", "Жду.", 12),
        Step("petr", "", 600, "close"),
    )),
    Story("Абузы и безопасность", "Abuse report: спам с 192.0.2.77", (
        Step("shop", "Пришла жалоба от провайдера, что нам делать?"),
        Step("boris", "Смените пароли почтовых ящиков; вложили список.", 30, files=((
            "ящики.csv", "ящик;писем\ninfo@shop.invalid;4512\n".encode()),)),
    )),
    Story("Technical support", "nginx: 403 на статике", (
        Step("ivan", f"Вот конфиг:\n\n{_NGINX}\n\nЧто не так?"),
        Step("olga", "Права на каталог: нужен `x` для группы www-data на /var/www.", 18, keep=True),
        Step("olga", "Ещё и SELinux мешал, поправила.", 22),
    )),
    Story("Technical support", "Повторяю", (
        Step("maria", "Когда восстановите бэкап?"),
        Step("maria", "Когда восстановите бэкап?", 30),
        Step("maria", "Когда восстановите бэкап?", 30),
    )),
    Story("Outsourced support", "VPN for the office", (
        Step("john", "We need a WireGuard tunnel between two offices."),
        Step("anna", "Please name both public addresses.", 20),
    )),
)  # fmt: skip

PLAIN: tuple[Story, ...] = (
    Story("Technical support", "Не приходит почта", (
        Step("client", "Не приходят письма с утра, проверьте очередь."),
        Step("olga", "Очередь разобрали, письма дошли.", 40),
    )),
    Story("Technical support", "SSL certificate expires tomorrow", (
        Step("client", "The renewal failed: \"urn:acme:error:dns\". Please help."),
        Step("olga", "DNS record was missing, certificate renewed.", 95),
        Step("client", "Thank you!", 15),
    )),
    Story("Technical support", "Диск заполнен на 98 %", (
        Step("client", "Что можно удалить в /var?"),
    )),
    Story("Sales", "Счёт на продление", (
        Step("client", "Пришлите, пожалуйста, счёт на три месяца."),
        Step("petr", "Отправили на почту.", 25),
    )),
    Story("Billing", "VAT number on invoices", (
        Step("client", "Please add our VAT number to the invoices."),
        Step("petr", "Спросить бухгалтерию про НДС.", 14, "note"),
    )),
    Story("Technical support", "VPS медленно работает", (
        Step("client", "Нагрузка 25, хотя посетителей нет."),
        Step("olga", "Соседа по узлу ограничили, посмотрите теперь.", 60),
        Step("client", "Стало лучше, но не совсем.", 120),
    )),
    Story("Technical support", "Change PTR record", (
        Step("client", "Please set PTR of 192.0.2.44 to mail.example.invalid"),
        Step("olga", "", 30, "close"),
    )),
    Story("Technical support", "Восстановить сайт из копии", (
        Step("client", "Случайно удалил каталог uploads, есть копия за вчера?"),
        Step("olga", "Восстановили на 03:00, проверьте.", 80),
        Step("client", "Всё на месте, спасибо 🙏", 30),
        Step("olga", "Отлично!", 5),
        Step("client", "", 700, "archive"),
    )),
)  # fmt: skip

FOLLOW_UPS: tuple[str, ...] = (
    "Проверили заголовки: SPF проходит, DKIM — нет.",
    "Добавил запись, жду обновления DNS.",
    "Пришлите, пожалуйста, исходник письма целиком.",
    "Вот исходник:\n\nReceived: from mx1.example.invalid\nAuthentication-Results: spf=pass; dkim=fail",
    "Всё ещё в спаме, хотя прошло два часа.",
    "Ключ был обрезан до 255 символов, разбили на две строки.",
    "A test letter arrived in the inbox. One more check, please.",
    "Спасибо! Проверю ещё с другого адреса.",
)
