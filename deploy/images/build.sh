#!/bin/sh
# Makes the images of all processes with buildah: build.sh [CRATE...].
# Each is one static binary from scratch. Made twice of the same
# binaries and commit, they have the same digests. Archives, lists of parts and digests are left in
# $OUT.
#
# TARGET      what is compiled for          x86_64-unknown-linux-musl
# BINARIES    made already, in this folder  (cargo makes them)
# OUT         where all is left             target/images
# PREFIX      of the images' names          docker.io/library/
# TAG                                       the version of the workspace
# SOURCE_DATE_EPOCH  every time in them     the time of the commit
set -eu
cd "$(dirname "$0")/../.."
if [ "$(id -u)" != 0 ] && [ -z "${BUILDAH_ISOLATION:-}" ]; then
    export BUILDAH_ISOLATION=chroot
    exec buildah unshare sh "$0" "$@"
fi
[ $# -gt 0 ] || set -- catena catena-aggregator catena-core catena-extensions \
    catena-store catena-tunnel catena-controllers catena-operator
target=${TARGET:-$(uname -m)-unknown-linux-musl}
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
tag=${TAG:-$version}
revision=$(git rev-parse HEAD)
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
out=${OUT:-target/images}
mkdir -p "$out"
full=$(cd "$out" && pwd)
store="--root $full/storage --runroot $full/run --storage-driver vfs"

if [ -z "${BINARIES:-}" ]; then
    BINARIES=target/$target/release
    for crate in "$@"; do crates="${crates:-} --bin $crate"; done
    # Paths of this machine are not in the binary; relocations are packed, which
    # spares a fifth of it.
    flags="--remap-path-prefix=$PWD=/catena --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo
        -Clink-arg=-Wl,-z,pack-relative-relocs"
    CC_x86_64_unknown_linux_musl=${CC_x86_64_unknown_linux_musl:-musl-gcc} \
        CC_aarch64_unknown_linux_musl=${CC_aarch64_unknown_linux_musl:-musl-gcc} \
        RUSTFLAGS=$(echo $flags) \
        cargo build --locked --release --target "$target" $crates
fi

: >"$out/digests"
for crate in "$@"; do
    root=$out/root/$crate
    rm -rf "$root" "$out/$crate.tar" && mkdir -p "$root/usr/bin" "$root/usr/share/sbom"
    strip -o "$root/usr/bin/$crate" "$BINARIES/$crate"
    # A binary of tests is not static: it brings its libraries.
    ldd "$BINARIES/$crate" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root/${library%/*}" && cp -L "$library" "$root/$library"
    done
    sh deploy/images/sbom.sh "$crate" "$target" >"$root/usr/share/sbom/$crate.cdx.json"
    cp "$root/usr/share/sbom/$crate.cdx.json" LICENSE "$out/"
    cp LICENSE "$root/usr/share/sbom/"
    chmod -R u=rwX,go=rX "$root"
    container=$(buildah $store from scratch)
    if [ "$crate" = catena ]; then
        ln -s catena "$root/usr/bin/kube-apiserver"
        mkdir -m 700 -p "$out/root/data"
        buildah $store copy --quiet --chown 65532:65532 "$container" "$out/root/data" /var/lib/catena >/dev/null
        buildah $store config --volume /var/lib/catena \
            --cmd '["up","--data-dir=/var/lib/catena","--bind-address=0.0.0.0"]' "$container"
    fi
    buildah $store copy --quiet --chown 0:0 "$container" "$root" / >/dev/null
    about=$(sed -n 's/^description: //p' charts/catena/Chart.yaml)
    buildah $store config --entrypoint "[\"/usr/bin/$crate\"]" --user 65532:65532 \
        --env PATH=/usr/bin --workingdir / \
        --label org.opencontainers.image.title="$crate" \
        --label org.opencontainers.image.description="$about" \
        --label org.opencontainers.image.version="$version" \
        --label org.opencontainers.image.revision="$revision" \
        --label org.opencontainers.image.licenses=Apache-2.0 "$container" 2>/dev/null
    name=${PREFIX-docker.io/library/}$crate:$tag
    buildah $store commit --quiet --rm --squash --format oci --timestamp "$SOURCE_DATE_EPOCH" \
        "$container" "oci-archive:$out/$crate.tar:$name" >/dev/null
    digest=$(tar -xOf "$out/$crate.tar" index.json | sed 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/')
    echo "$digest $name $(du -b --apparent-size "$out/$crate.tar" | cut -f 1)" | tee -a "$out/digests"
done
