"""The configuration that ``remotesupport init`` writes: valid as it stands, every key explained."""

CONFIG = """\
# Configuration of remotesupport. Check it with: remotesupport check
# Passwords are never written here. Three references are understood:
#   "env:NAME"              the environment variable NAME
#   "file:/absolute/path"   a file (chmod 600) with nothing but the password
#   "prefect:BLOCK"         a Secret block of Prefect

# The billing whose staff answer.
[main]
url = "https://main.example:1500/billmgr"   # the complete address
version = "auto"                            # "auto", or "4", "5", "6"
# dialect = "auto"                          # of a version 4: "sync" the three functions of remote support, "public"
                                            # the public ones; "auto" the three where the login may use them
# The system's certificate authorities are used unless one of these is set. Checking cannot be switched off.
# ca_file = "main-ca.pem"                   # relative to this file
# tls_fingerprint = "sha256:…"              # of the certificate: 64 hex digits
# An employee of versions 5 and 6 whose list of all tickets says what moved, in one request for all connections. Of its
# rows only ids, times and states are read, and no ticket is ever opened with it. See docs/semantics.md, section 2.
# watch_login = "watcher"
# watch_password = "env:MAIN_WATCH_PASSWORD"

# One section for each external billing, whose tickets are answered in the main one.
[[external]]
name = "acme"                               # unique; a-z 0-9 -; it stands in the subjects: [acme #123]
url = "https://billing.acme.example:1500/billmgr"
version = "auto"
# dialect = "auto"                          # as in [main]; after a change: remotesupport links rebuild
login = "support-robot"                     # staff login in the external billing
password = "env:ACME_PASSWORD"
main_login = "acme"                         # the customer's user in the main billing
main_password = "env:ACME_MAIN_PASSWORD"
timezone = "Europe/Moscow"                  # of the dates that these logins see
# main_timezone = "Europe/Moscow"           # where the user in the main billing has another one
enabled = true
# canary_department = "Technical support"   # must be readable before anything is closed
# canary_ticket = "1"
# show_author = false                       # true: replies to clients begin with the name of the member of staff
# attachment_limit_mb = 10                 # of one file; a message with its files must be sent within 20 s

# The most that one run reads of each side; beyond it reading ends and says so. A sync reads less than an audit.
# [external.reading]
# rows = 250000                             # of ticket lists
# pages = 5000
# megabytes = 2000
# requests = 500000
# cpu_seconds = 1200                        # of our own, for reading what it sends

# Times agreed with this provider: `remotesupport report` says how many tickets were answered within them.
# [external.agreed]
# first_answer_minutes = 60                 # from a ticket's arrival in main to the first answer; all hours count
# full_answer_minutes = 1440                # until it was closed

# Tickets of the remote department go to the main one. Names or ids; see: remotesupport departments
[[external.departments]]
remote = "Technical support"
main = "Outsourced support"
enabled = true

# A plan beyond these limits waits for a person: remotesupport apply PLAN_ID
# The same keys may stand in an [external.guard] section below an [[external]].
[guard]
creates = 50                                # tickets
posts = 300                                 # messages
closes = 20                                 # tickets
closes_percent = 20                         # of the connection's linked tickets
departures = 20                             # tickets that left their department or are gone
departures_percent = 20
share_from = 10                             # with fewer linked tickets the percentages do not count
messages_an_hour = 30                       # of one ticket, one way; beyond it the ticket waits: two machines? 0: never
creates_an_hour = 300                       # of all scheduled runs together, for one connection
posts_an_hour = 2000
creates_a_day = 2000
posts_a_day = 15000
megabytes_an_hour = 1000                    # of texts and files
megabytes_a_day = 5000
run_creates = 500                           # all connections of one run together; only here
run_posts = 3000
run_closes = 200
run_departures = 200

# What a run that planned something was planned from, for `remotesupport replay RUN`. Without a key no text of a ticket
# is kept, and a plan is compared without its texts only.
# [keep]
# inputs_days = 3                           # 0: nothing is kept
# key = "env:REMOTESUPPORT_KEEP_KEY"        # 32 random bytes in base64; make one: openssl rand -base64 32

# How many runs share the connections, each at its own second of the minute; for several workers. See docs/scale.md.
# [scale]
# shards = 1                                # from 1 to 60; a change counts from the next start of `remotesupport up`

# `remotesupport bell BILLING TICKET`, and scripts of the billings, tell `remotesupport up` here to look at once.
# [bell]
# enabled = true
# address = "127.0.0.1"                     # for others put a TLS proxy before it
# port = 0                                  # 0: a free one, which the command finds; scripts need a fixed one

# Who is told when something is wrong: docs/operations.md. Try it: remotesupport alerts test
# [alerts]
# to = ["prefect-block:slack-webhook/ops"]  # notification blocks that stand in Prefect already
# behind_minutes = 5                        # unreachable or behind for so long
# parked_minutes = 60                       # a change waits for so long
# certificate_days = 21                     # a certificate ends so soon
# heartbeat_url = "env:HEARTBEAT_URL"       # asked for after each good minute; what watches it calls when it stops
# quiet_hours = "22:00-07:00"               # kept, and told afterwards
# timezone = "Europe/Moscow"                # of the quiet hours

# [[alerts.receivers]]
# name = "ops"                              # unique; a-z 0-9 -
# kind = "webhook"                          # "webhook", "slack", "teams", or "apprise": e-mail, Telegram and more
# url = "env:OPS_WEBHOOK_URL"               # apprise: mailtos://USER:PASSWORD@smtp.example?to=ops@example.com

# /health and /metrics (Prometheus), of `remotesupport up` and `remotesupport worker`.
# [monitoring]
# enabled = true
# address = "127.0.0.1"                     # another one needs a token
# port = 0                                  # 0: a free one, which they name; Prometheus needs a fixed one
# hosts = ["remotesupport.example"]         # names that it is asked by, beside its address
# token = "env:METRICS_TOKEN"               # what /metrics then asks for
"""
