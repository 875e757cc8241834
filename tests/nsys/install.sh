#!/usr/bin/env bash
# Installs nsys 2023.4 for tests into a cache folder, and beside it a Python environment with an nvtx that this nsys
# understands. The system is left as it is. Prints the path of nsys; where it cannot be had, says why in one sentence
# and fails.
#
# Debian packages nsys in its non-free component (suite trixie). The packages are downloaded through the machine's own
# mirror and unpacked; installing them would pull in a kernel driver. Their licence forbids passing them on: they
# belong into a cache, never into a repository.
set -euo pipefail

suite=trixie
packages=(nsight-systems nsight-systems-target libssh-4)
target="${XDG_CACHE_HOME:-$HOME/.cache}/wb/nsys-2023.4"
python="${PYTHON:-python3}"

fail() {
    echo "nsys 2023.4 cannot be installed: $1" >&2
    exit 1
}
trap 'fail "line $LINENO failed"' ERR

is_complete() {
    [ -x "$target/target-linux-x64/nsys" ] && [ -x "$target/python/bin/python" ]
}
if is_complete; then
    echo "$target/target-linux-x64/nsys"
    exit
fi

for tool in apt-get dpkg; do
    command -v "$tool" >/dev/null || fail "there is no $tool here, and only Debian packages it"
done
[ "$(dpkg --print-architecture)" = amd64 ] || fail "Debian packages it for amd64 only"
grep -qx 'ID=debian' /etc/os-release 2>/dev/null || fail "this is not Debian, whose mirrors have it"

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/debs" "$work/root" "$work/nsys"

apt() {
    apt-get -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/archives" -o APT::Sandbox::User="$(id -un)" \
        "$@" >>"$work/log" 2>&1
}

# The machine's archives, from its sources of either format, without those of security and other updates.
archives=$(apt-get -o Dir::State::Lists="$work/lists" update --print-uris 2>/dev/null |
    sed -nE "s#^'(.*)/dists/[a-z]+/InRelease'.*#\1#p" | sort -u)
for keyring in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    [ -e "$keyring" ] && break
done
for archive in $archives; do
    echo "deb [signed-by=$keyring] $archive $suite main non-free" >"$work/sources.list"
    if apt update && (cd "$work/debs" && apt download "${packages[@]}"); then
        break
    fi
done
[ "$(find "$work/debs" -name '*.deb' | wc -l)" -eq ${#packages[@]} ] ||
    fail "the packages could not be downloaded from the archives of this machine; check its network"

for package in "$work"/debs/*.deb; do
    dpkg -x "$package" "$work/root"
done
# The importer looks for its libraries beside itself, nsys for the importer in a sibling folder.
nsys="$work/nsys" usr="$work/root/usr"
mv "$usr/lib/nsight-systems/host-linux-x64" "$usr/lib/x86_64-linux-gnu/nsight-systems/target-linux-x64" "$nsys"
cp -L --remove-destination "$usr/lib/x86_64-linux-gnu/libssh.so.4" "$nsys/host-linux-x64/libssh.so.4"
mkdir -p "$nsys/host-linux-x64/python/lib"
cp "$usr/lib/python3/dist-packages/"{nsysstats,gpustats}.py "$nsys/host-linux-x64/python/lib"
# The window, its Qt, and what records graphics and clusters are half of it and no use here.
(cd "$nsys/host-linux-x64" && rm -rf CrashReporter Plugins libexec resources translations nsys-ui* lib{icu,Qt,NvQt}*)
(cd "$nsys/target-linux-x64" && rm -rf CollectX libnvperf_grfx_host.so vulkan-layers)
"$nsys/target-linux-x64/nsys" --version >>"$work/log" 2>&1 || fail "what was unpacked does not start"

"$python" -m venv "$nsys/python" >>"$work/log" 2>&1 || fail "$python cannot make an environment (python3-venv is missing)"
"$nsys/python/bin/python" -m pip install --quiet nvtx==0.2.11 >>"$work/log" 2>&1 ||
    fail "the package nvtx 0.2.11 could not be installed for $python"

# What is incomplete goes (the interpreter of its Python may be gone); of two installers at once the first wins.
is_complete || rm -rf "$target"
mv -T "$nsys" "$target" 2>/dev/null || is_complete || fail "$target cannot be written"
echo "$target/target-linux-x64/nsys"
