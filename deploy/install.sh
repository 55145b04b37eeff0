#!/bin/sh
# Installs imagegen as a service of systemd from the checkout that this script lies in; see `install.sh --help`.
set -eu

PREFIX=/opt/imagegen            # releases, each a virtual environment of its own; `current` names the one in use
CONFIG=/etc/imagegen
DATA=/var/lib/imagegen          # unless the settings name another
BACKUPS=/var/backups/imagegen
COMMAND=/usr/local/bin/imagegen
UNITS=/etc/systemd/system
UNIT_NAMES='imagegen.service imagegen-backup.service imagegen-backup.timer'
ACCOUNT=imagegen
KEPT_RELEASES=3
DYNAMIC=/var/lib/private/imagegen   # where systemd keeps the data of a unit with DynamicUser=

# Root's own settings must not lead pip elsewhere than into the new release. The checkout's path may have Chinese
# characters; before 3.13 Python reads it as the locale says.
unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 LC_ALL=C.UTF-8

self=$(readlink -f -- "$0")
deploy=$(dirname -- "$self")
checkout=$(dirname -- "$deploy")

usage() {
    cat <<'END'
Usage: deploy/install.sh [--upgrade | --rollback [--with-database] | --uninstall] [--with EXTRAS] [--no-start]

  (nothing)        install: user, directories, settings, token, unit, command; what is there stays as it is
  --upgrade        put the checkout's code beside the one in use, copy the database, and change over
  --rollback       change back to the code from before the last upgrade
  --with-database  ... and to the database from then: what was made since is no longer known
  --uninstall      remove code, unit and command; data, settings, backups and the user stay
  --with EXTRAS    also what cluster (PostgreSQL) and mcp (tools for agents) need; s3 needs nothing more. Upgrades what
                   is installed already; every later upgrade keeps them
  --no-start       change everything and leave the service stopped

Needs root, systemd, and Python 3.11 or later with pip. IMAGEGEN_PYTHON=/path/to/python3 chooses one; pip reads its own
settings (PIP_INDEX_URL and the like). Nothing but the checkout and what it needs is installed. Afterwards:
`sudo imagegen doctor`.
END
}

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

managed() { [ -d /run/systemd/system ]; }
is_active() { managed && systemctl --quiet is-active imagegen; }

stop() {
    managed || return 0
    systemctl stop imagegen 2>/dev/null || ! is_active || die "the service does not stop"
}

start() {
    managed || { say "systemd does not run here, so nothing is started"; return 0; }
    systemctl daemon-reload
    [ "$start" = yes ] || { say "not started: systemctl enable --now imagegen"; return 0; }
    systemctl --quiet enable imagegen
    if ! systemctl restart imagegen; then
        journalctl -u imagegen -n 20 --no-pager -o cat >&2 || :
        die "the service does not start; what it said is above$1"
    fi
    say "the service runs: sudo imagegen doctor"
}

# Sets $host: the first Python that is new enough and can install something.
choose_python() {
    for host in ${IMAGEGEN_PYTHON:+"$IMAGEGEN_PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        "$host" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        if "$host" -m pip --version >/dev/null 2>&1; then with_pip=--without-pip; return; fi
        if "$host" -c 'import ensurepip, venv' >/dev/null 2>&1; then with_pip=; return; fi
    done
    die "Python 3.11 or later with pip is needed (Debian: python3-pip; RHEL 9 and its family: python3.12-pip)"
}

make_account() {
    getent passwd "$ACCOUNT" >/dev/null || useradd --system --user-group --home-dir "$DATA" --no-create-home \
        --shell "$(command -v nologin || echo /usr/sbin/nologin)" "$ACCOUNT"
}

# extras_of RELEASE: those whose packages it has, also if they were installed by hand.
extras_of() {
    "$1/bin/python" -I -c 'import importlib.util as util
print(",".join(extra for extra, module in {"cluster": "asyncpg", "mcp": "mcp"}.items() if util.find_spec(module)))'
}

fill_release() {
    # shellcheck disable=SC2086 # an option or nothing
    "$host" -m venv $with_pip "$release" || return
    if [ -n "$with_pip" ]; then set -- "$host" -m pip --python "$release/bin/python"
    else set -- "$release/bin/python" -m pip; fi
    # By its path: a name alone could be somebody else's package.
    "$@" install -c "$checkout/constraints.txt" "$checkout${extras:+[$extras]}" || return
    # The units go along with the code that they start, forward and back.
    mkdir "$release/units" && install -m 644 -- "$deploy"/*.service "$deploy"/*.timer "$release/units/" || return
    "$release/bin/imagegen" --version
}

# Sets $release: a new virtual environment with the checkout's code.
make_release() {
    choose_python
    release=$PREFIX/releases/$(date -u +%Y%m%d%H%M%S)-$$
    log=$(mktemp)
    trap 'rm -rf -- "$release" "$log"' EXIT
    trap 'exit 130' HUP INT TERM
    say "installing into $release, about a minute"
    mkdir -p "$PREFIX/releases"
    fill_release >"$log" 2>&1 || { cat -- "$log" >&2; die "the installation failed; what pip said is above"; }
    if command -v restorecon >/dev/null; then restorecon -R "$PREFIX" || :; fi
    rm -f -- "$log"
    trap - EXIT HUP INT TERM
}

# What the command does before it runs the program named $0: the variables that the unit has, but for those that whoever
# calls it has set. Of the unit's EnvironmentFile= nothing is expanded, as systemd does not.
in_environment=$(cat <<END
: "\${IMAGEGEN_CONFIG:=$CONFIG/config.yaml}" "\${CREDENTIALS_DIRECTORY:=$CONFIG/credentials}"
export IMAGEGEN_CONFIG CREDENTIALS_DIRECTORY
if [ -r $CONFIG/node.env ]; then
    while IFS= read -r line || [ -n "\$line" ]; do
        name=\${line%%=*} value=\${line#*=}
        case \$name in '' | "\$line" | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac
        case \$value in \"*\" | \'*\') value=\${value#?} value=\${value%?} ;; esac
        eval "[ \"\\\${\$name+set}\" ]" || export "\$name=\$value"
    done <$CONFIG/node.env
fi
END
)

# command_of RELEASE ARGUMENT...: as the service would run it, whatever root's environment says.
command_of() {
    of=$1
    shift
    (cd -- "$DATA" && exec env -i PATH="$PATH" LC_ALL="$LC_ALL" /bin/sh -c "$in_environment
exec \"\$0\" \"\$@\"" "$of/bin/imagegen" "$@")
}

# Sets $data: the data directory in the settings, as this release reads them.
ask_data() {
    shown=$(command_of "$1" config show) || return
    data=$(printf '%s\n' "$shown" | "$1/bin/python" -c 'import sys, yaml; print(yaml.safe_load(sys.stdin)["data_dir"])')
}

point() { ln -sfn -- "$2" "$PREFIX/$1.new" && mv -fT -- "$PREFIX/$1.new" "$PREFIX/$1"; }

is_dynamic() {
    [ -d "$DYNAMIC" ] && { [ "$(readlink -f -- "$DATA")" = "$DYNAMIC" ] || [ ! -e "$DATA" ]; }
}

# A unit that was installed by hand before there was this script had a user of systemd's making, also named imagegen
# while it ran. Interrupted, this goes on when it is called again.
adopt_dynamic_data() {
    is_dynamic || { make_account; return; }
    say "moving the data from $DYNAMIC, where the former unit had them"
    stop
    make_account
    chown -R "$ACCOUNT:$ACCOUNT" "$DYNAMIC"
    rm -f -- "$DATA"
    mv -- "$DYNAMIC" "$DATA"
}

make_directories() {
    install -d -m 755 "$PREFIX" "$CONFIG"
    install -d -m 700 "$CONFIG/credentials"
    install -d -m 700 -o "$ACCOUNT" -g "$ACCOUNT" "$DATA" "$BACKUPS"
}

make_settings() {
    token=$CONFIG/credentials/auth_token
    if [ ! -s "$token" ]; then
        (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$token")
    fi
    [ -e "$CONFIG/config.yaml" ] && return
    say "the token for callers is in $token"
    # shellcheck disable=SC2016 # systemd, or the command, names the directory
    printf '%s\n' "data_dir: $DATA" 'server:' '  auth_token: file:$CREDENTIALS_DIRECTORY/auth_token' >"$CONFIG/config.yaml"
    chown "root:$ACCOUNT" "$CONFIG/config.yaml"
    chmod 640 "$CONFIG/config.yaml"
}

make_command() {
    install -D -m 755 /dev/stdin "$COMMAND" <<END
#!/bin/sh
# The service's own settings, so that a command means the service's data wherever it is typed.
$in_environment
exec $PREFIX/current/bin/imagegen "\$@"
END
}

# The first releases had no units of their own, so those go with them that were there.
keep_units() {
    [ ! -d "$PREFIX/current/units" ] || return 0
    mkdir "$PREFIX/current/units"
    for unit in $UNIT_NAMES; do
        [ ! -e "$UNITS/$unit" ] || cp -- "$UNITS/$unit" "$PREFIX/current/units/"
    done
}

make_units() {
    for unit in $UNIT_NAMES; do
        [ -e "$PREFIX/current/units/$unit" ] || continue
        install -D -m 644 "$PREFIX/current/units/$unit" "$UNITS/$unit"
    done
}

forget_old_releases() {
    used="$(readlink -f -- "$PREFIX/current") $(readlink -f -- "$PREFIX/previous")"
    find "$PREFIX/releases" -mindepth 1 -maxdepth 1 | sort | head -n "-$KEPT_RELEASES" | while read -r old; do
        case $used in
            *"$old"*) ;;
            *) rm -rf -- "$old" ;;
        esac
    done
}

# Only while the service is stopped: then these two files are the whole database. What $1 has stays until both copies are
# complete, since a disk that fills up meanwhile must not cost it; then the service goes on as it was.
copy_database() {
    for name in imagegen.db imagegen.db-wal; do
        rm -f -- "$1/$name.new"
        [ ! -e "$2/$name" ] || cp -p -- "$2/$name" "$1/$name.new" || {
            rm -f -- "$1/imagegen.db.new" "$1/imagegen.db-wal.new"
            start ""
            die "the database cannot be copied to $1; nothing was changed"
        }
    done
    for name in imagegen.db imagegen.db-wal; do
        rm -f -- "$1/$name"
        [ ! -e "$1/$name.new" ] || mv -- "$1/$name.new" "$1/$name"
    done
}

install_all() {
    release=
    if [ ! -x "$PREFIX/current/bin/imagegen" ]; then make_release
    elif [ -n "$extras" ]; then upgrade; return; fi
    adopt_dynamic_data
    make_directories
    make_settings
    [ -z "$release" ] || point current "$release"
    make_command
    make_units
    start ""
}

upgrade() {
    [ -x "$PREFIX/current/bin/imagegen" ] || die "nothing is installed yet: run it without --upgrade"
    kept=$(extras_of "$PREFIX/current") || die "the code in use does not run; nothing was changed"
    extras=$extras${kept:+${extras:+,}$kept}
    make_account
    make_directories
    ask_data "$PREFIX/current" || die "the settings in $CONFIG/config.yaml have to be right first; nothing was changed"
    make_release
    keep_units
    stop
    install -d -m 700 -o "$ACCOUNT" -g "$ACCOUNT" "$BACKUPS/before-upgrade"
    copy_database "$BACKUPS/before-upgrade" "$data"
    point previous "$(readlink -f "$PREFIX/current")"
    point current "$release"
    make_settings
    make_command
    make_units
    forget_old_releases
    start "; install.sh --rollback goes back"
}

rollback() {
    [ -x "$PREFIX/previous/bin/imagegen" ] || die "there is nothing to go back to"
    [ "$with_database" = no ] || [ -e "$BACKUPS/before-upgrade/imagegen.db" ] ||
        die "there is no database of before the upgrade in $BACKUPS/before-upgrade"
    if [ "$with_database" = no ] && command_of "$PREFIX/previous" doctor 2>/dev/null | grep -q 'newer version'; then
        die "the upgrade changed the database, which the older code does not read. --rollback --with-database also
takes back the database of before the upgrade: tasks and images since then are no longer known, also what was paid for."
    fi
    [ "$with_database" = no ] || ask_data "$PREFIX/previous" ||
        die "the older code cannot read $CONFIG/config.yaml, so it would not start; nothing was changed"
    stop
    if [ "$with_database" = yes ]; then
        install -d -m 700 -o "$ACCOUNT" -g "$ACCOUNT" "$BACKUPS/before-rollback"
        copy_database "$BACKUPS/before-rollback" "$data"
        rm -f -- "$data/imagegen.db-shm"
        copy_database "$data" "$BACKUPS/before-upgrade"
        say "the database of before this is in $BACKUPS/before-rollback"
    fi
    point current "$(readlink -f "$PREFIX/previous")"
    rm -f -- "$PREFIX/previous"
    make_units
    start ""
}

uninstall() {
    ask_data "$PREFIX/current" 2>/dev/null || data=$DATA
    if managed; then systemctl --quiet disable --now imagegen imagegen-backup.timer 2>/dev/null || :; fi
    rm -f -- "$COMMAND"
    for unit in $UNIT_NAMES; do rm -f -- "$UNITS/$unit"; done
    # Somebody's checkout may lie in $PREFIX, too.
    rm -f -- "$PREFIX/current" "$PREFIX/previous"
    rm -rf -- "$PREFIX/releases"
    rmdir -- "$PREFIX" 2>/dev/null || :
    if managed; then systemctl daemon-reload; fi
    say "kept: $data (images, database, master.key), $CONFIG, $BACKUPS and the user $ACCOUNT"
}

refuse() { printf 'install.sh: %s\n\n' "$*" >&2; usage >&2; exit 2; }

act='' with_database=no start=yes extras='' previous=''
for argument in "$@"; do
    if [ "$previous" = --with ]; then
        for extra in $(printf %s "$argument" | tr , ' '); do
            case $extra in
                cluster | mcp | s3) extras=${extras:+$extras,}$extra ;;
                *) refuse "--with takes cluster, mcp and s3, not $extra" ;;
            esac
        done
        previous=
        continue
    fi
    case $argument in
        --with) previous=--with ;;
        --upgrade | --rollback | --uninstall)
            [ -z "$act" ] || refuse "--$act and $argument exclude each other"
            act=${argument#--}
            ;;
        --with-database) with_database=yes ;;
        --no-start) start=no ;;
        -h | --help) usage; exit 0 ;;
        *) refuse "there is no $argument" ;;
    esac
done
[ -z "$previous" ] || refuse "--with needs cluster, mcp, s3 or several of them, as in cluster,mcp"
[ -z "$extras" ] || case $act in rollback | uninstall) refuse "--with and --$act exclude each other" ;; esac
[ "$with_database" = no ] || [ "$act" = rollback ] || refuse "--with-database is for --rollback"
[ "$(id -u)" = 0 ] || die "run it as root"
umask 022
${act:-install_all}
