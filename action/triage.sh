#!/bin/sh
# The steps of action.yml: installs mtedbg, unless it is there, and turns cores into annotations.
#
# CORES    folder of core files; none in it is no error
# KNOWN    file with known signatures, or empty
# MTEDBG   what pip installs where there is no mtedbg
# RUNNER_TEMP, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY   as the runner sets them
set -eu
folder=${RUNNER_TEMP:?}/mtedbg
mkdir -p "$folder"
if ! command -v mtedbg >/dev/null; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/python" -m pip install --quiet "${MTEDBG:-mtedbg}"
  PATH=$folder/venv/bin:$PATH
fi
if [ -z "$(find "${CORES:?}" -type f -print -quit)" ]; then
  echo "mtedbg: no files in $CORES"
  exit 0
fi
set -- "$CORES" --state "$folder/state" --html "$folder/triage.html"
status=0
mtedbg triage "$@" ${KNOWN:+--known "$KNOWN"} --annotations github || status=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  mtedbg triage "$@" --markdown >>"$GITHUB_STEP_SUMMARY"
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  echo "html=$folder/triage.html" >>"$GITHUB_OUTPUT"
fi
exit "$status"
