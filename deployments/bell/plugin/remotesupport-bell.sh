#!/bin/sh
# Tell remotesupport that a ticket of this billing has changed: a handler for BILLmanager's background plugins.
# Its settings are in remotesupport-bell.conf in the same folder. How it is installed, and what nobody has tried yet:
# docs/bell.md. Whatever happens it ends with status 0, within a few seconds.
LC_ALL=C
export LC_ALL

settings=$(dirname -- "$0")/remotesupport-bell.conf

setting() {
    sed -n "s/^$1=//p" "$settings" 2>/dev/null | tail -n 1
}

give_up() {
    printf 'remotesupport-bell: billing %s, ticket %s: not rung: %.400s. remotesupport looks within a minute all the same\n' \
        "$billing" "$ticket" "$1" >&2
    exit 0
}

# A form is opened without this parameter and saved with it.
[ -n "${PARAM_sok:-}" ] || exit 0

# In the form of an assignment the ticket is the parent. What is no number (a new ticket has none yet, and clients
# choose what they send) asks for a look at the billing's list.
ticket=${PARAM_elid:-}
[ "${PARAM_func:-}" != ticket.edit ] || ticket=${PARAM_plid:-}
case $ticket in
    '' | *[!0-9]*) ticket=any ;;
esac

url=$(setting url) billing=$(setting billing) token=$(setting token) seconds=$(setting seconds)
[ -r "$settings" ] || give_up "$settings cannot be read: make it, as docs/bell.md of remotesupport says"
case $url in
    https://* | http://127.0.0.1:* | http://localhost:* | "http://[::1]:"*) ;;
    *) give_up "url in $settings must begin with https:// (or be on this machine): the token is not sent in the clear" ;;
esac
case $token in
    '' | *[!A-Za-z0-9._~+/=-]*) give_up "token in $settings is not one: copy what bell.token in the state folder holds" ;;
esac

# The token goes to curl by its standard input: a command line can be read by everybody on this machine.
answer=$(
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl -q -K - -s -S --data '' --noproxy '*' --proto '=http,https' --connect-timeout 2 --max-time "${seconds:-7}" \
            -w ' (HTTP %{http_code})' "${url%/}/bell/$billing/$ticket" 2>&1
)
case $answer in
    *'(HTTP 202)') exit 0 ;;
esac
give_up "$(printf '%s' "$answer" | tr '\r\n' '  ')"
