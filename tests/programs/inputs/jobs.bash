# Pipes, jobs, traps, redirections and the shell's own arithmetic.
set -u
count() { local n=0 line; while read -r line; do n=$((n + ${#line})); done; echo "$n"; }
seq 1 200 | grep 7 | sort -rn | head -n 5 | tr '\n' ' '
echo
printf '%s\n' alpha beta gamma | count
declare -A ages=([anna]=31 [bert]=7)
for name in anna bert; do echo "$name ${ages[$name]}"; done
words=(one two three); echo "${#words[@]} ${words[*]:1} ${words[-1]^^}"
echo "$((2 ** 40 % 1009)) $((16#ff)) $((-7 / 2))"
cat <<< "here string" | sed 's/here/there/'
diff <(seq 1 3) <(seq 2 4)
echo "diff $?"
false | true; echo "${PIPESTATUS[@]}"

# Jobs in the background: each is waited for, and says how it ended.
(exit 3) & first=$!
(exit 4) & second=$!
wait "$second"; echo "second $?"
wait "$first"; echo "first $?"
sleep 100 & kill -TERM $!; wait $! 2>/dev/null; echo "killed $?"
trap 'echo "usr1"' USR1
kill -USR1 $$
trap 'echo "exit $?"' EXIT

# Job control, without a terminal.
set -m
sleep 100 & pid=$!
jobs %1 | sed 's/  */ /g'
kill -STOP %1
until [[ $(jobs -s) ]]; do sleep 0.05; done
jobs | sed 's/  */ /g'
# Bash says of a job that was killed when it hears of it, and that can be at any time.
disown %1; kill -KILL $pid
bash -c 'kill -STOP $$; exit 7' &
until [[ $(jobs -s) ]]; do sleep 0.05; done
fg %% >/dev/null; echo "job $?"
(sleep 0.1; exit 9) &
fg %% >/dev/null; echo "fg $?"
set +m

coproc tr a-z A-Z
echo "through a coprocess" >&"${COPROC[1]}"
eval "exec ${COPROC[1]}>&-"
read -r answer <&"${COPROC[0]}"; echo "$answer"
[[ "2026-11-29" =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[2]}"
printf '%(%F %T)T\n' 86399
exit 6
