#!/bin/sh
# Makes the roles' users and tells systemd of the unit, on the machine itself.
set -eu
[ -z "${DESTDIR:-}" ] && [ "$(id -u)" = 0 ] || exit 0
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers "$MESON_INSTALL_PREFIX/lib/sysusers.d/spean.conf"
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
echo 'next: write /etc/spean/spean.conf (spean check -c says if it is good),'
echo '      then: systemctl enable --now spean'
