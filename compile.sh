#!/bin/sh
# Makes the tracker one executable: compile.sh [TARGET ...]
#
#   (none)                       ./tracker                             (Linux on the processor this runs on)
#   x86_64-unknown-linux-gnu     ./tracker
#   aarch64-unknown-linux-gnu    ./tracker-aarch64-unknown-linux-gnu
#   x86_64-apple-darwin          ./tracker-x86_64-apple-darwin
#   aarch64-apple-darwin         ./tracker-aarch64-apple-darwin
#   x86_64-pc-windows-msvc       ./tracker.exe
#   all                          every one of them
#
# The compiler is $DENO, or the deno on the path. Deno fetches the runtime of the target, or takes $DENORT_BIN.
set -eu
cd "$(dirname "$0")"

deno=${DENO:-deno}
targets="x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu x86_64-apple-darwin aarch64-apple-darwin x86_64-pc-windows-msvc"

# Exactly what `deno task start` runs with: a compiled program takes no flags of its own, neither permissions nor V8's
# (docs/adr/0008_plugin_threads.md).
permissions=$(sed -n 's/.*"start": "deno run \(.*\) main\.ts".*/\1/p' deno.json)
[ -n "$permissions" ] || { echo "compile.sh: deno.json has no start task of the form \"deno run … main.ts\"" >&2; exit 1; }

# Threads start from files that no import names: new Worker(new URL("./file.ts", import.meta.url), …).
threads=$(grep -r 'Worker(new URL("\./[a-z_]*\.ts", import\.meta\.url)' src |
  sed 's|^\(.*\)/[^/]*\.ts:.*new URL("\./\([a-z_]*\.ts\)".*|\1/\2|' | sort -u)

# Packages that only tests and tools use stay out, where the compiler knows how.
options="--no-check --no-code-cache"
case $("$deno" compile --help) in *--exclude-unused-npm*) options="$options --exclude-unused-npm" ;; esac
for thread in $threads; do options="$options --include $thread"; done

# A proxy's certificates count too, as they do for newer compilers.
export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-mozilla,system}"

compile() {
  case $1 in
    "$own" | x86_64-unknown-linux-gnu) output=tracker ;;
    x86_64-pc-windows-msvc) output=tracker.exe ;;
    *) output=tracker-$1 ;;
  esac
  # Word by word: none of these has a space in it.
  # shellcheck disable=SC2086
  "$deno" compile $options $permissions --target "$1" --output "$output" main.ts
  echo "compiled ./$output for $1"
}

own=
if [ $# -eq 0 ]; then
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) own=x86_64-unknown-linux-gnu ;;
    aarch64 | arm64) own=aarch64-unknown-linux-gnu ;;
    *) echo "compile.sh: no target is known for the processor \"$machine\": name one of $targets" >&2; exit 1 ;;
  esac
  set -- "$own"
fi
if [ "$*" = all ]; then
  # shellcheck disable=SC2086
  set -- $targets
fi
for target in "$@"; do
  case " $targets " in
    *" $target "*) ;;
    *) echo "compile.sh: TARGET must be one of $targets, or all, and is \"$target\"" >&2; exit 1 ;;
  esac
done
for target in "$@"; do compile "$target"; done
