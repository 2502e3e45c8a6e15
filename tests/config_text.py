"""The text of a small configuration: one connection, its secrets in the environment."""

ONE_CONNECTION = """
[main]
url = "{main}"

[[external]]
name = "acme"
url = "{acme}"
login = "support-robot"
password = "env:ROBOT"
main_login = "acme"
main_password = "env:CUSTOMER"
timezone = "Europe/Moscow"
"""
ONE_DEPARTMENT = """
[[external.departments]]
remote = "Technical support"
main = "Outsourced support"
"""
