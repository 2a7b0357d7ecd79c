#!/usr/bin/env bash
# Sets up what the build, the demo and the tests need, and can be run again.
#
#   deploy/deps.sh demo    what `make demo` needs
#   deploy/deps.sh test    that, and the clients and browser of `make test`
#   deploy/deps.sh quality the first, and the tools of `make quality`
#
# A Rust toolchain and Node.js must be there already, and are only checked.
# Debian packages are installed where apt-get and the rights for it are;
# elsewhere the list of what to install is printed and the exit code is 1.
set -euo pipefail

RUST_MIN=1.95
NODE_MIN=20.19
NPM_MIN=10
MINISTACK=1.5.33

wanted=${1:-demo}
problems=()

# at_least VERSION MINIMUM
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

check_tool() { # name, version or empty, minimum, how to get it
    if [ -z "$2" ]; then
        problems+=("$1 $3 or later is not installed: $4")
    elif ! at_least "$2" "$3"; then
        problems+=("$1 is $2, but $3 or later is needed: $4")
    fi
}

version_of() {
    "$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true
}

check_tool Rust "$(version_of rustc --version)" "$RUST_MIN" "see https://rustup.rs"
check_tool Node.js "$(version_of node --version)" "$NODE_MIN" "see https://nodejs.org"
check_tool npm "$(version_of npm --version)" "$NPM_MIN" "it comes with Node.js"
command -v cargo >/dev/null || problems+=("cargo is not installed: it comes with Rust")

# command:package[:file that shows it is there]
packages=()
need() {
    command -v "$1" >/dev/null 2>&1 || [ -e "${3:-/nonexistent}" ] || packages+=("$2")
}

need cc gcc
[ -e /usr/include/stdio.h ] || packages+=(libc6-dev)
if [ "$wanted" = test ]; then
    need openssl openssl
    # Opens our copies of the master key, and makes some for us to open.
    need age age
    need ssh-keygen openssh-client
    need swaks swaks
    need curl curl
    need chromium chromium
    # Mail of another year, for what happens when its date has passed.
    need faketime faketime
    # Readers that the PST files of the tests go through.
    need readpst pst-utils
    need pffexport pff-tools
    need python3 python3
    # Whose span queries ours are compared with.
    need javac default-jdk-headless
    need lucene liblucene8-java /usr/share/doc/liblucene8-java
    # What pictures and scanned pages are read by.
    need tesseract tesseract-ocr
    [ -e /usr/share/tesseract-ocr/5/tessdata/eng.traineddata ] || packages+=(tesseract-ocr-eng)
    need pdftoppm poppler-utils
    # The second reader of the format, and a relay for outgoing mail.
    for module in cryptography zstandard aiosmtpd; do
        [ -e "/usr/lib/python3/dist-packages/$module" ] || packages+=("python3-$module")
    done
    # A server that each run of the tests has for itself.
    need initdb postgresql /usr/lib/postgresql
    perl -MNet::SSLeay -e 1 2>/dev/null || packages+=(libnet-ssleay-perl)
    for font in fonts-dejavu-core:dejavu fonts-liberation:liberation fonts-noto-core:noto; do
        [ -d "/usr/share/fonts/truetype/${font#*:}" ] || packages+=("${font%%:*}")
    done
fi

# An S3 service with Object Lock. Where it cannot be had, the tests that use it
# are skipped, loudly.
if [ "$wanted" = test ]; then
    ceph=()
    for package in radosgw ceph-mon ceph-osd ceph-mgr ceph-common; do
        [ -e "/usr/share/doc/$package" ] || ceph+=("$package")
    done
fi

if [ "$wanted" = quality ]; then
    # Tools that documents are compared with.
    need python3 python3
    need pdftotext poppler-utils
    need mutool mupdf-tools
    need docx2txt docx2txt
    need antiword antiword
    need catdoc catdoc
    need unrtf unrtf
    need odt2txt odt2txt
    need w3m w3m
    need msgconvert libemail-outlook-message-perl
    need ssconvert gnumeric
    need soffice libreoffice-writer-nogui
    [ -e /usr/lib/libreoffice/program/libsclo.so ] || packages+=(libreoffice-calc-nogui)
    [ -e /usr/lib/libreoffice/program/libsdlo.so ] || packages+=(libreoffice-impress-nogui)
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_install() {
    command -v apt-get >/dev/null && as_root true 2>/dev/null
}

apt_update() {
    [ -n "${apt_is_fresh:-}" ] || as_root apt-get update -q >/dev/null || true
    apt_is_fresh=1
}

# --no-remove: nothing that the machine already uses may go for our sake.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends --no-remove "$@"
}

if [ "${#packages[@]}" -gt 0 ]; then
    if can_install; then
        echo "deps: installing ${packages[*]}"
        apt_update
        apt_install "${packages[@]}" || problems+=("apt-get could not install: ${packages[*]}")
    else
        problems+=("these packages are missing; as root: apt-get install ${packages[*]}")
    fi
fi

if [ "$wanted" = test ] && [ "${#ceph[@]}" -gt 0 ]; then
    if can_install; then
        echo "deps: installing ${ceph[*]}"
        apt_update
        apt_install "${ceph[@]}" || as_root apt-get -f install -q -y --no-remove || true
    fi
    command -v radosgw >/dev/null ||
        echo "deps: Ceph was not installed (${ceph[*]}); the tests on S3 will be skipped"
fi

# An S3 that is emulated, from PyPI, for what the real one does otherwise than AWS. Where
# it cannot be had, the tests on it are skipped, loudly.
if [ "$wanted" = test ]; then
    ministack=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/tools/ministack
    if [ ! -x "$ministack/bin/ministack" ]; then
        echo "deps: installing MiniStack $MINISTACK from PyPI"
        { python3 -m venv "$ministack" &&
            "$ministack/bin/pip" install --quiet --disable-pip-version-check \
                "ministack==$MINISTACK"; } ||
            echo "deps: MiniStack was not installed; the tests on it will be skipped"
    fi
fi

# Postfix only for its smtp-source, a client: its daemon is neither configured
# nor started. Where another mail server would have to go for it, the tests
# that use it are skipped, loudly.
if [ "$wanted" = test ] && [ ! -x /usr/sbin/smtp-source ] && can_install; then
    echo "deps: installing postfix, without its daemon"
    apt_update
    echo "postfix postfix/main_mailer_type select No configuration" |
        as_root debconf-set-selections 2>/dev/null || true
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        trap 'as_root rm -f "$policy"' EXIT
    fi
    apt_install postfix || echo "deps: postfix was not installed; its tests will be skipped"
fi

if [ "${#problems[@]}" -gt 0 ]; then
    echo "deps: cannot go on:" >&2
    printf '  - %s\n' "${problems[@]}" >&2
    exit 1
fi
