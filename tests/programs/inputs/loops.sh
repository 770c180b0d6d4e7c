# Functions, here documents, pipes, subshells and arithmetic of a POSIX shell.
factorial() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(factorial $(($1 - 1))))); fi; }
factorial 6
i=0
while [ $i -lt 30 ]; do i=$((i + 1)); case $i in *7) echo "seven $i";; 1?) ;; esac; done
for word in a:b:c; do IFS=:; set -- $word; echo "$# $3"; unset IFS; done
(cd / && echo "$(basename "$(dirname /usr/bin/env)")")
cat << END | tr a-z A-Z | wc -c
here $i
END
{ echo out; echo err >&2; } 2>&1 | sort
trap 'echo trapped' INT; kill -INT $$
sh -c 'kill -9 $$'; echo $?
sh -c 'exit 12' || echo "status $?"
echo "${HOME:-none} ${i%0} ${i#3}"
exec 3>&1; echo three >&3
umask 027; umask
exit 4
