#!/bin/bash
# Shows that both commands of the README work on a fresh minimal Debian.
# usage: tools/fresh.sh RELEASE [COMMAND…]      RELEASE: bookworm (12) or trixie (13); as root
#
# Makes the system in build/fresh/RELEASE, clones the last commit into it and runs there `make test` and `make demo`, or each
# COMMAND instead. Needs 10 GB. With KEEP=1 a system that is there already is used again, with what was built in its clone.
#
# It runs in mount and process namespaces of its own: when it ends or is killed, its mounts and its programs are gone.
set -euo pipefail
cd "$(dirname "$0")/.."

release=${1:?usage: tools/fresh.sh RELEASE [COMMAND…]}
shift
(($#)) || set -- 'make test' 'make demo'
((EUID == 0)) || { echo 'make fresh needs root: it makes a Debian and changes its root folder into it' >&2; exit 1; }

if [[ -z "${FRESH_INSIDE:-}" ]]; then
    command -v debootstrap >/dev/null || apt-get install -y --no-install-recommends debootstrap
    # the first process of the new namespaces is killed with this one, and everything in them with it
    exec env FRESH_INSIDE=1 unshare --mount --pid --fork --kill-child "$0" "$release" "$@"
fi

say() { printf '\n== %s\n' "$*"; }
folder=$PWD/build/fresh
root=$folder/$release
archives=$folder/archives/$release
clone=/root/iea-agent

if [[ -z "${KEEP:-}" || ! -e "$root/root/made" ]]; then
    say "A minimal Debian $release"
    rm -rf "$root"
    mkdir -p "$archives"
    # make is what one must have to type the commands
    debootstrap --variant=minbase --include=make --cache-dir="$archives" "$release" "$root" >"$folder/$release.log" ||
        { tail "$folder/$release.log"; exit 1; }
    touch "$root/root/made"
fi
[[ -d "$root$clone" ]] || git clone --quiet --no-local . "$root$clone"
git -C "$root$clone" fetch --quiet "$PWD" HEAD
git -C "$root$clone" reset --quiet --hard FETCH_HEAD

# a mount of its own, or it could not become the root folder
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind -o ro /sys "$root/sys"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
# squid keeps its memory there
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
# a package is downloaded once, however often a system is made
mount --bind "$archives" "$root/var/cache/apt/archives"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [[ -e /dev/net/tun ]]; then
    mkdir -p "$root/dev/net"
    touch "$root/dev/net/tun"
    mount --bind /dev/net/tun "$root/dev/net/tun"
fi

# Abstract sockets are not of a root folder but of the machine: with a folder for temporary files of its own, no agent that is tested here has the
# name of one that is tested outside.
mkdir -p "$root/tmp/$release"
environment=(HOME=/root TMPDIR="/tmp/$release" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 ${CI:+CI="$CI"})
# Behind a proxy that opens TLS, its authority must be trusted there too.
if [[ -n "${SSL_CERT_FILE:-}" ]]; then
    cp "$SSL_CERT_FILE" "$root/root/authorities.crt"
    for name in SSL_CERT_FILE PIP_CERT NODE_EXTRA_CA_CERTS NPM_CONFIG_CAFILE; do
        environment+=("$name=/root/authorities.crt")
    done
fi

# Not chroot: in a changed root folder the kernel refuses namespaces, which some tests make.
cd "$root"
pivot_root . mnt
umount --lazy /mnt
cd "$clone"

failed=0
for command; do
    say "Debian $(</etc/debian_version) ($release): $command"
    SECONDS=0
    if env -i "${environment[@]}" sh -c "$command"; then verdict=passed; else verdict="FAILED with $?" failed=1; fi
    say "Debian $release: $command $verdict in $((SECONDS / 60)) min $((SECONDS % 60)) s"
done
exit $failed
