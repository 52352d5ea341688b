# Sourced by the rig's scripts: where Asterisk's root folder is, and how a script declines to run.

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
rig=${PATCHCORD_RIG:-${XDG_CACHE_HOME:-$HOME/.cache}/patchcord/rig}
root=$rig/root

# Exit code 77 is "skipped", as test runners have it since Automake.
skip() {
    echo "rig: skipped: $*" >&2
    exit 77
}

need_root() {
    [ "$(id -u)" = 0 ] || skip "it needs root, to make and enter Asterisk's root folder"
    unshare --mount --pid --fork true 2>/dev/null ||
        skip "this machine does not let root make mount and process namespaces (a container needs CAP_SYS_ADMIN)"
}
