#!/bin/sh
# The command line with the state, the configuration, the secrets and the user of remotesupport.service, by systemd.
#   install -m 0755 remotesupport.sh /usr/local/bin/remotesupport ; remotesupport status
# For root: what it writes (a rotated log, a report) would otherwise be root's, and the service could not go on with it.
exec systemd-run --quiet --collect --wait --pipe --pty \
    --property=DynamicUser=yes \
    --property=User=remotesupport \
    --property=StateDirectory=remotesupport \
    --property=StateDirectoryMode=0700 \
    --property=WorkingDirectory=/var/lib/remotesupport \
    --property=Environment=REMOTESUPPORT_CONFIG=/etc/remotesupport/remotesupport.toml \
    --property=Environment=REMOTESUPPORT_HOME=/var/lib/remotesupport \
    --property=EnvironmentFile=-/etc/remotesupport/secrets.env \
    /opt/remotesupport/.venv/bin/remotesupport "$@"
