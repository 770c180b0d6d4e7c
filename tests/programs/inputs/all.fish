# Lists, functions, pipes, substitution, arithmetic, switch, errors.
function double; math 2 x $argv[1]; end
set -l all (seq 1 5)
for i in $all[2..-1]; echo -n (double $i)" "; end
echo
echo "a b c" | string split " " | string upper | string join -
switch (count $all)
    case 5
        echo five
end
string match -r '(\w)(\d)' x1 y2
cat text | head -n 3 | wc -w
false; or echo failed $status
printf '%s\n' (math "sqrt(2) + 7 % 4")
nosuchcommand; echo $status
exit 6
