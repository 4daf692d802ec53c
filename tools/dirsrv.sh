#!/bin/bash
# A private 389 Directory Server for tests: data and configuration lie in one
# folder, it listens on a loopback address only. Its tools know the system's
# folders only, so they run in a mount namespace in which those are folders of
# ours; needs root for that.
#
#	tools/dirsrv.sh start DIR [--suffix DN]
#	tools/dirsrv.sh env DIR		what `start` printed
#	tools/dirsrv.sh stop DIR	the data stay; `start DIR` goes on with them
#
# `start` prints KEY=VALUE lines: LDAP_URL, LDAP_BASE, LDAP_BIND_DN,
# LDAP_PASSWORD, LDAP_PID. The server keeps a change log (cn=changelog) with the
# entries' unique ids, and keeps references right. Commits are not synced to
# disk: for test data only.
#
# SPDX-License-Identifier: Apache-2.0
set -u
# shellcheck source=tools/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

show() {
	echo "LDAP_URL=ldap://127.0.0.1:$port"
	echo "LDAP_BASE=$suffix"
	echo "LDAP_BIND_DN=cn=Directory Manager"
	echo "LDAP_PASSWORD=$password"
	echo "LDAP_PID=$(cat "$dir/pid" 2>/dev/null)"
}

# within COMMAND...: in the namespace.
within() {
	cat <<END
set -e
mount --make-rprivate /
mount --bind $dir/etc /etc/dirsrv
mount --bind $dir/lib /var/lib/dirsrv
mount --bind $dir/log /var/log/dirsrv
mount --bind $dir/run /run
mount --bind $dir/default /etc/default
mount --bind $dir/defaults.inf /usr/share/dirsrv/inf/defaults.inf
END
	echo "$@"
}

# Attributes of an entry of dse.ldif, in the place of those of these names.
configure() {
	awk -v dn="$2" -v lines="$3" '
		BEGIN {
			count = split(lines, line, "\n")
			for (i = 1; i <= count; i++)
				mine[tolower(substr(line[i], 1,
					index(line[i], ":") - 1))] = 1
		}
		/^dn: / { here = tolower($0) == "dn: " tolower(dn) }
		here && /^$/ {
			for (i = 1; i <= count; i++)
				print line[i]
			here = 0
		}
		here && (tolower(substr($0, 1, index($0, ":") - 1)) in mine) {
			next
		}
		{ print }
	' "$1" >"$1.new" && mv "$1.new" "$1"
}

configure_all() {
	local dse=$dir/etc/slapd-$name/dse.ldif plugin

	configure "$dse" cn=config "nsslapd-listenhost: 127.0.0.1
nsslapd-sizelimit: -1
nsslapd-lookthroughlimit: -1
nsslapd-accesslog-logging-enabled: off"
	configure "$dse" 'cn=Retro Changelog Plugin,cn=plugins,cn=config' \
		"nsslapd-pluginEnabled: on
nsslapd-attribute: nsuniqueid:targetUniqueId"
	for plugin in 'MemberOf Plugin' 'referential integrity postoperation'; do
		configure "$dse" "cn=$plugin,cn=plugins,cn=config" \
			'nsslapd-pluginEnabled: on'
	done
	configure "$dse" 'cn=bdb,cn=config,cn=ldbm database,cn=plugins,cn=config' \
		'nsslapd-db-durable-transaction: off'
}

# dscreate starts the server on all interfaces while it works: it gets a
# network of its own.
setup() {
	mkdir -p "$dir"/{lib,log,run/lock/dirsrv,run/dirsrv,default}
	cp -r /etc/dirsrv "$dir/etc"
	mkdir -p /var/lib/dirsrv /var/log/dirsrv
	sed 's/^with_systemd *=.*/with_systemd = 0/' \
		/usr/share/dirsrv/inf/defaults.inf >"$dir/defaults.inf"
	cat >"$dir/setup.inf" <<END
[general]
config_version = 2
full_machine_name = localhost
selinux = False
start = False
strict_host_checking = False
systemd = False
[slapd]
instance_name = $name
port = $port
secure_port = $((port + 1))
root_password = $password
self_sign_cert = False
user = root
group = root
[backend-userroot]
suffix = $suffix
create_suffix_entry = True
sample_entries = no
END
	within "ip link set lo up
exec /usr/sbin/dscreate from-file $dir/setup.inf" >"$dir/setup.sh"
	unshare -m -n sh "$dir/setup.sh" >"$dir/output" 2>&1 || return 1
	configure_all
}

start() {
	local tries

	[ -x /usr/sbin/dscreate ] ||
		die "389 Directory Server is not installed:" \
			"apt-get install 389-ds-base iproute2 ldap-utils"
	[ "$(id -u)" -eq 0 ] || die "needs root for a mount namespace"
	running && return
	[ -f "$dir/ready" ] || setup || {
		tail -n 5 "$dir/output" >&2
		die "cannot make a server in $dir"
	}
	rm -f "$dir"/run/dirsrv/*.pid
	within "exec /usr/sbin/ns-slapd -d 0 -D /etc/dirsrv/slapd-$name -i" \
		"/run/dirsrv/slapd-$name.pid" >"$dir/run.sh"
	setsid unshare -m sh "$dir/run.sh" </dev/null >"$dir/output" 2>&1 &
	echo $! >"$dir/pid"
	for ((tries = 0; tries < 400; tries++)); do
		ldap_answers "127.0.0.1:$port" && touch "$dir/ready" && return
		kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
		sleep 0.05
	done
	tail -n 5 "$dir/output" "$dir/log/slapd-$name/errors" >&2
	die "the server did not start"
}

[ $# -ge 2 ] || die "usage: dirsrv.sh start|stop|env DIR [--suffix DN]"
verb=$1
mkdir -p "$2" || exit 1
dir=$(cd "$2" && pwd)
shift 2
suffix=dc=example,dc=com
port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
[ "${1:-}" != --suffix ] || suffix=${2:?}
# shellcheck source=/dev/null
[ -f "$dir/params" ] && . "$dir/params"
name=test$port
password='Passw0rd!x'
ours='ns-slapd'

case $verb in
start)
	printf 'suffix=%q\nport=%q\n' "$suffix" "$port" >"$dir/params"
	start
	show
	;;
stop) stop_server TERM ;;
env) show ;;
*) die "no verb '$verb'" ;;
esac
