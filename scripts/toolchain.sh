#!/bin/sh
# Installs LLVM and a linker by the system's package manager when they are missing. sudo is used only when this is not root, and
# never asks for a password.
set -u

have() { command -v "$1" >/dev/null 2>&1; }

# A compiler for LLVM IR, and something that links a shared object.
found() {
	have cc || have gcc || have clang || have ld || have ld.lld || return 1
	have clang && return 0
	have opt && have llc && return 0
	for v in 21 20 19 18 17 16 15 14; do
		have "clang-$v" && return 0
		have "opt-$v" && have "llc-$v" && return 0
		[ -x "/usr/lib/llvm-$v/bin/clang" ] && return 0
		[ -x "/usr/lib/llvm-$v/bin/opt" ] && [ -x "/usr/lib/llvm-$v/bin/llc" ] && return 0
	done
	return 1
}

found && exit 0

as_root=""
if [ "$(id -u)" -ne 0 ] && ! have brew; then
	have sudo || { echo "toolchain: no clang, and no right to install it: the CPU target will not run" >&2; exit 0; }
	as_root="sudo -n"
fi

for manager in apt-get dnf pacman zypper apk brew; do
	have "$manager" && break
	manager="no package manager"
done
case $manager in
no*) ;;
brew) echo "toolchain: no clang found; installing llvm with brew" >&2 ;;
*) echo "toolchain: no clang found; installing clang and lld with $as_root${as_root:+ }$manager" >&2 ;;
esac
if have apt-get; then
	$as_root apt-get update -q -y >/dev/null 2>&1
	DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends clang lld >/dev/null
elif have dnf; then
	$as_root dnf install -q -y clang lld >/dev/null
elif have pacman; then
	$as_root pacman -S --noconfirm --needed clang lld >/dev/null
elif have zypper; then
	$as_root zypper -q -n install clang lld >/dev/null
elif have apk; then
	$as_root apk add -q clang lld >/dev/null
elif have brew; then
	brew install -q llvm >/dev/null
fi

found || echo "toolchain: clang could not be installed ($manager): the CPU target will not run, everything else will" >&2
exit 0
