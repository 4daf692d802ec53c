#!/bin/bash
# A private OpenLDAP server for tests and the demo: data, keys and pid file lie
# in one folder, it listens on the loopback address only, and nothing of the
# system's own slapd is read or touched.
#
#	tools/slapd.sh start DIR [--suffix DN] [--port PORT] [--tls] [--conf FILE]
#	tools/slapd.sh env DIR		what `start` printed
#	tools/slapd.sh stop DIR		the data stay; `start DIR` goes on with them
#
# `start` prints KEY=VALUE lines: LDAP_URL, LDAPI_URL, LDAP_BASE, LDAP_BIND_DN,
# LDAP_PASSWORD, LDAP_PID, and with --tls LDAPS_URL and LDAP_CA_FILE. Options
# count at the first start; the ports stay the same afterwards. Without --port
# free ones are taken. FILE is added to the database's section of slapd.conf.
# Commits are not synced to disk: for test data only.
#
# SPDX-License-Identifier: Apache-2.0
set -u
# shellcheck source=tools/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

usage() {
	die "usage: slapd.sh start|stop|env DIR [--suffix DN] [--port PORT]" \
		"[--tls] [--conf FILE]"
}

show() {
	echo "LDAP_URL=ldap://127.0.0.1:$port"
	[ -n "$tls" ] && echo "LDAPS_URL=ldaps://127.0.0.1:$tls_port"
	[ -n "$tls" ] && echo "LDAP_CA_FILE=$dir/tls/ca.pem"
	[ -n "$socket" ] && echo "LDAPI_URL=ldapi://${socket//\//%2F}"
	echo "LDAP_BASE=$suffix"
	echo "LDAP_BIND_DN=cn=admin,$suffix"
	echo "LDAP_PASSWORD=secret"
	echo "LDAP_PID=$(cat "$dir/pid" 2>/dev/null)"
}

make_conf() {
	local schema

	{
		for schema in core cosine nis inetorgperson; do
			echo "include /etc/ldap/schema/$schema.schema"
		done
		echo "modulepath /usr/lib/ldap"
		echo "moduleload back_mdb"
		for schema in syncprov accesslog memberof refint constraint; do
			echo "moduleload $schema"
		done
		echo "threads 4"
		echo "loglevel none"
		if [ -n "$tls" ]; then
			echo "TLSCACertificateFile $dir/tls/ca.pem"
			echo "TLSCertificateFile $dir/tls/server.pem"
			echo "TLSCertificateKeyFile $dir/tls/server.key"
		fi
		cat <<END
authz-regexp "gidNumber=[0-9]+\\+uidNumber=[0-9]+,cn=peercred,cn=external,cn=auth" "cn=admin,$suffix"
database mdb
suffix "$suffix"
directory $dir/db
rootdn "cn=admin,$suffix"
rootpw secret
maxsize 4294967296
dbnosync
envflags writemap
index objectClass,entryUUID,entryCSN eq
index uid,cn,mail,employeeNumber,member eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
END
		[ -n "$extra" ] && cat "$extra"
	} >"$dir/slapd.conf"
	chmod 600 "$dir/slapd.conf"
}

# The entry of the suffix: dc=, o=, ou= or c=.
make_root() {
	local rdn=${suffix%%,*}
	local class

	case $rdn in
	dc=*) class=domain ;;
	o=*) class=organization ;;
	ou=*) class=organizationalUnit ;;
	c=*) class=country ;;
	*) die "the suffix must begin with dc=, o=, ou= or c=: '$suffix'" ;;
	esac
	printf 'dn: %s\nobjectClass: %s\n%s: %s\n' "$suffix" "$class" \
		"${rdn%%=*}" "${rdn#*=}" |
		"$slapadd" -q -f "$dir/slapd.conf" -b "$suffix" ||
		die "cannot make the entry '$suffix'"
}

# One attempt: 0 it answers, 1 it ended (a port was taken, say).
launch() {
	local urls="ldap://127.0.0.1:$port" tries

	[ -n "$tls" ] && urls="$urls ldaps://127.0.0.1:$tls_port"
	[ -n "$socket" ] && urls="$urls ldapi://${socket//\//%2F}"
	setsid "$slapd" -d 0 -f "$dir/slapd.conf" -h "$urls" \
		</dev/null >"$dir/output" 2>&1 &
	echo $! >"$dir/pid"
	for ((tries = 0; tries < 500; tries++)); do
		ldap_answers "127.0.0.1:$port" && running && return 0
		kill -0 "$(cat "$dir/pid")" 2>/dev/null || return 1
		sleep 0.02
	done
	return 1
}

start() {
	local tries

	slapd=$(PATH=$PATH:/usr/sbin:/sbin command -v slapd) ||
		die "slapd is not installed: apt-get install slapd ldap-utils"
	slapadd=$(PATH=$PATH:/usr/sbin:/sbin command -v slapadd) ||
		die "slapadd is not installed: apt-get install slapd"
	command -v ldapsearch >/dev/null ||
		die "ldapsearch is not installed: apt-get install ldap-utils"
	running && return
	[ -z "$tls" ] || [ -f "$dir/tls/server.pem" ] ||
		make_keys localhost 127.0.0.1
	[ -f "$dir/slapd.conf" ] || make_conf
	mkdir -p "$dir/db"
	[ -f "$dir/db/data.mdb" ] || make_root
	for ((tries = 0; tries < 20; tries++)); do
		if [ -z "$port" ]; then
			try_port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
			port=$try_port
			tls_port=$((try_port + 1))
		fi
		launch && return
		[ -z "${try_port:-}" ] && break
		port=
	done
	cat "$dir/output" >&2
	die "slapd did not start with $dir/slapd.conf"
}

[ $# -ge 2 ] || usage
verb=$1
case $verb in start | stop | env) ;; *) usage ;; esac
mkdir -p "$2" || exit 1
dir=$(cd "$2" && pwd)
ours="^[^ ]*slapd .*$dir/slapd.conf"
shift 2

suffix=dc=example,dc=com
port=
tls_port=
tls=
extra=
socket=$dir/ldapi
[ ${#socket} -lt 100 ] || socket=
while [ $# -gt 0 ]; do
	case $1 in
	--suffix) suffix=${2:?} && shift ;;
	--port) port=${2:?} && tls_port=$((port + 1)) && shift ;;
	--tls) tls=1 ;;
	--conf) extra=${2:?} && shift ;;
	*) usage ;;
	esac
	shift
done
# shellcheck source=/dev/null
[ -f "$dir/params" ] && . "$dir/params"

case $verb in
start)
	start
	printf 'suffix=%q\nport=%q\ntls_port=%q\ntls=%q\n' "$suffix" "$port" \
		"$tls_port" "$tls" >"$dir/params"
	show
	;;
stop) stop_server INT ;;
env) show ;;
esac
