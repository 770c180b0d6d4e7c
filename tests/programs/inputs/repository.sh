# A repository: commits, branches, a merge, packing, and what git says of it.
set -e
export HOME="$1" GIT_AUTHOR_DATE="1700000000 +0100" GIT_COMMITTER_DATE="1700000000 +0100"
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
here=$PWD
git init -q -b main "$1"
cd "$1"
cp "$here/text" "$here/all.py" .
git add .
git commit -q -m "First"
git checkout -q -b other
sed -i 1,20d text
git commit -q -a -m "Second"
git checkout -q main
echo more >> all.py
git commit -q -a -m "Third"
git merge -q -m "Merge" other
git log --oneline --graph
git diff --stat HEAD~1 HEAD
git gc -q
git fsck --strict
git blame -L 1,3 text
git cat-file -p HEAD^{tree}
git checkout -q nowhere
