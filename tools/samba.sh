#!/bin/bash
# A private Active Directory domain (Samba) for tests: one forest on one
# loopback address, since a domain controller's ports are fixed. Data, keys and
# pid file lie in one folder; nothing of the system's own Samba is read or
# touched. Needs root for the ports.
#
#	tools/samba.sh start DIR REALM ADDRESS [dns]	REALM as CORP.TEST; with
#						its own name server and the
#						application partitions
#						DC=DomainDnsZones and
#						DC=ForestDnsZones
#	tools/samba.sh env DIR			what `start` printed
#	tools/samba.sh stop DIR			the data stay; `start DIR` goes on
#
# `start` prints KEY=VALUE lines: LDAP_URL, LDAPS_URL, LDAP_BASE, LDAP_BIND_DN,
# LDAP_PASSWORD, LDAP_CA_FILE, LDAP_PID, KRB5_CONFIG. Several forests run side
# by side, each at an address 127.0.0.x of its own. Nothing is synced to disk:
# for test data only.
#
# SPDX-License-Identifier: Apache-2.0
set -u
# shellcheck source=tools/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

show() {
	echo "LDAP_URL=ldap://$address"
	echo "LDAPS_URL=ldaps://$address"
	echo "LDAP_BASE=$base"
	echo "LDAP_BIND_DN=CN=Administrator,CN=Users,$base"
	echo "LDAP_PASSWORD=$password"
	echo "LDAP_CA_FILE=$dir/tls/ca.pem"
	echo "LDAP_PID=$(cat "$dir/pid" 2>/dev/null)"
	echo "KRB5_CONFIG=$dir/krb5.conf"
}

make_conf() {
	cat >"$dir/smb.conf" <<END
[global]
	netbios name = DC
	workgroup = ${realm%%.*}
	realm = $realm
	server role = active directory domain controller
	server services = ldap, cldap, kdc, rpc, drepl$dns
	interfaces = $address/8
	bind interfaces only = yes
	private dir = $dir/private
	state directory = $dir/state
	cache directory = $dir/cache
	lock directory = $dir/lock
	binddns dir = $dir/dns
	pid directory = $dir/run
	ncalrpc dir = $dir/run/ncalrpc
	winbindd socket directory = $dir/run/winbindd
	ntp signd socket directory = $dir/run/ntp
	log file = $dir/log
	log level = 0
	ldb:nosync = true
	ldap server require strong auth = no
	tls enabled = yes
	tls keyfile = $dir/tls/server.key
	tls certfile = $dir/tls/server.pem
	tls cafile = $dir/tls/ca.pem
	dsdb:schema update allowed = yes
	dns update command = /bin/true
	nsupdate command = /bin/true
	spn update command = /bin/true
	samba kcc command = /bin/true
	gpo update command = /bin/true
[sysvol]
	path = $dir/state/sysvol
	read only = no
[netlogon]
	path = $dir/state/sysvol/$domain/scripts
	read only = no
END
	cat >"$dir/krb5.conf" <<END
[libdefaults]
	default_realm = $realm
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
[realms]
	$realm = {
		kdc = $address
	}
[domain_realm]
	$address = $realm
	.$domain = $realm
	$domain = $realm
END
}

# Passwords of test people may be simple and change at once; the server's name
# in Kerberos is its address, so that no DNS is needed.
provision() {
	local options=(-s "$dir/smb.conf" -H "$dir/private/sam.ldb")

	mkdir -p "$dir"/{private,state,cache,lock,run,dns}
	make_keys "dc.$domain" "$address"
	make_conf
	samba-tool domain provision -s "$dir/smb.conf" --backend-store=mdb \
		--realm="$realm" --domain="${realm%%.*}" --host-name=dc \
		--host-ip="$address" --adminpass="$password" --server-role=dc \
		"--dns-backend=$backend" >"$dir/output" 2>&1 &&
		samba-tool domain passwordsettings set "${options[@]}" \
			--min-pwd-age=0 --max-pwd-age=0 --history-length=0 \
			>>"$dir/output" 2>&1 &&
		samba-tool spn add "ldap/$address" 'DC$' "${options[@]}" \
			>>"$dir/output" 2>&1
}

start() {
	local tool tries

	for tool in samba samba-tool ldapsearch openssl; do
		command -v $tool >/dev/null ||
			die "$tool is not installed: apt-get install samba" \
				"samba-ad-provision samba-dsdb-modules" \
				"winbind ldap-utils openssl"
	done
	[ "$(id -u)" -eq 0 ] || die "needs root: a domain's ports are fixed"
	running && return
	[ -f "$dir/ready" ] || provision || {
		tail -n 5 "$dir/output" >&2
		die "cannot make the domain $realm in $dir"
	}
	rm -f "$dir"/run/*.pid
	KRB5_CONFIG=$dir/krb5.conf setsid samba -i -M single \
		-s "$dir/smb.conf" </dev/null >>"$dir/output" 2>&1 &
	echo $! >"$dir/pid"
	for ((tries = 0; tries < 600; tries++)); do
		ldap_answers "$address" && touch "$dir/ready" && return
		kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
		sleep 0.05
	done
	tail -n 5 "$dir/output" >&2
	die "samba did not start with $dir/smb.conf"
}

[ $# -ge 2 ] || die "usage: samba.sh start|stop|env DIR [REALM ADDRESS [dns]]"
verb=$1
mkdir -p "$2" || exit 1
dir=$(cd "$2" && pwd)
realm=${3:-CORP.TEST}
address=${4:-127.0.0.21}
dns=${5:+, dns}
# shellcheck source=/dev/null
[ -f "$dir/params" ] && . "$dir/params"
domain=${realm,,}
base=DC=${domain//./,DC=}
backend=${dns:+SAMBA_INTERNAL}
backend=${backend:-NONE}
password='Passw0rd!x'
ours='^samba' # it writes a title into its command line

case $verb in
start)
	printf 'realm=%q\naddress=%q\ndns=%q\n' "$realm" "$address" "$dns" \
		>"$dir/params"
	start
	show
	;;
stop) stop_server TERM ;;
env) show ;;
*) die "no verb '$verb'" ;;
esac
