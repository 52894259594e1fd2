# Runs the scenarios of one stage (the first argument), one after the other. What each printed, how
# it ended and what it left goes to /lab/results; the serial line carries marks only, being slow.
stage=$1
cgroup=/sys/fs/cgroup
mkdir -p /lab/results

mark() { echo "LAB $*" > /dev/ttyS0; }

# Runs a script as user 1000 without a login: where there is PAM, su would make a session.
as_user() {
    if setpriv --help 2>&1 | grep -q reuid; then
        export HOME=/home/tester
        exec setpriv --reuid 1000 --regid 1000 --clear-groups -- sh "$1"
    fi
    exec su -s /bin/sh tester -c "exec sh $1"
}

# Every process of a group and of those below it, but for this script.
members() { find "$1" -name cgroup.procs -exec cat {} + 2> /dev/null; }

# Groups of sandboxes that nobody removed: all sandboxes of a scenario have ended.
groups_left() {
    find "$1" "$cgroup/isobar" -mindepth 1 -type d -name 'isobar-*' 2> /dev/null
}

# Scopes that isobar got from a user manager.
scopes() { find $cgroup/user.slice -type d -name 'run-isobar-*' 2> /dev/null; }

# scenario NAME WHO PLACE SECONDS
scenario() {
    name=$1 who=$2 place=$3 seconds=$4
    out=/lab/results/$name tmp=/tmp/lab-$name
    mkdir -p "$out" "$tmp"
    : > "$out/skips"
    : > "$out/left"
    mark begin "$name"
    group=$cgroup/lab-$name enter=$cgroup/lab-$name
    case $place in
        plain) mkdir "$group" ;;
        delegated)
            echo '+memory +pids +cpu' > $cgroup/cgroup.subtree_control
            enter=$group/shell
            mkdir "$group"
            chown 1000:1000 "$group" "$group/cgroup.procs" "$group/cgroup.subtree_control" \
                "$group/cgroup.threads"
            mkdir "$enter"
            chown 1000:1000 "$enter" "$enter/cgroup.procs" "$enter/cgroup.subtree_control" \
                "$enter/cgroup.threads"
            ;;
        session) group= ;;
    esac
    if [ "$who" = user ]; then
        chown 1000:1000 "$tmp"
        chmod 666 "$out/skips"
    fi
    rm -f "$out/ended"
    (
        (
            [ -z "$group" ] || echo 0 > "$enter/cgroup.procs"
            case $who in
                root | session) exec sh "/lab/scenarios/$name" ;;
                user) as_user "/lab/scenarios/$name" ;;
            esac
        ) > "$out/output" 2>&1 < /dev/null &
        child=$!
        echo $child > "$out/child"
        wait $child
        echo $? > "$out/ended"
    ) &
    watched=$!
    # Half seconds; a guest has no better clock than this loop needs.
    left=$((seconds * 2))
    until [ -s "$out/ended" ]; do
        left=$((left - 1))
        if [ $left -le 0 ]; then
            echo "ran past its $seconds s" >> "$out/left"
            kill -KILL "$(cat "$out/child")"
            [ -z "$group" ] || echo 1 > "$group/cgroup.kill"
            break
        fi
        sleep 0.5
    done
    wait $watched
    status=$(cat "$out/ended")
    if [ -n "$group" ]; then
        for pid in $(members "$group"); do
            echo "process $pid $(tr '\0' ' ' < "/proc/$pid/cmdline")" >> "$out/left"
        done
        groups_left "$group" >> "$out/left"
        echo 1 > "$group/cgroup.kill"
        find "$group" -depth -type d -exec rmdir {} + 2> /dev/null ||
            { sleep 1; find "$group" -depth -type d -exec rmdir {} +; }
    fi
    if [ "$place" = session ]; then
        # Systemd removes a scope a little after its last process has ended.
        tries=20
        while [ $tries -gt 0 ] && [ -n "$(scopes)" ]; do
            tries=$((tries - 1))
            sleep 0.5
        done
        scopes >> "$out/left"
    fi
    find "$tmp" -mindepth 1 >> "$out/left"
    rm -rf "$tmp"
    # Of a flood the end is kept.
    tail -c 262144 "$out/output" > "$out/log"
    rm "$out/output"
    echo $status > "$out/status"
    mark end "$name" $status
}

mark stage "$stage"
. "/lab/stage-$stage"
